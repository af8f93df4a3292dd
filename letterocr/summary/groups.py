"""Groups of a sweep: runs that differ only in the seed, with median and quartiles over the seeds.

Shapes: m samples at which the test error was measured, s networks (every replica of every seed) of a group.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from letterocr.base.errors import UserError
from letterocr.base.quartiles import compute_quartiles
from letterocr.run.curve import read_curve
from letterocr.summary.reader import RunRecord, Value

Metric = Callable[[RunRecord], float]


@dataclass(frozen=True)
class Group:
    """All finished or diverged runs of one setting.

    Attributes:
        runs: one for each seed.
        values: values of the metric, one for each run; infinite if an error was not reached.
        quartiles: lower quartile, median and upper quartile of the values.
    """

    runs: list[RunRecord]
    values: list[float]
    quartiles: tuple[float, float, float]

    @property
    def fields(self) -> dict[str, Value]:
        """The fields of the setting, without the seed."""
        return dict(self.runs[0].setting)

    @property
    def median(self) -> float:
        """The median of the metric over the seeds."""
        return self.quartiles[1]


def find_metric(name: str) -> Metric:
    """Return the function that computes a metric; smaller values are better.

    Args:
        name: `final_error`, `best_error`, or `samples_to_` with an error, as in `samples_to_0.2`.

    Raises:
        UserError: there is no such metric.
    """
    if name == "final_error":
        return lambda run: float(run.result["error"])
    if name == "best_error":
        return lambda run: float(run.result["best_error"])
    level = name.removeprefix("samples_to_")
    try:
        mark = float(level)
        if level == name or not 0 <= mark <= 1:
            raise ValueError
    except ValueError:
        known = "final_error, best_error, or samples_to_ with an error in 0 to 1, as in samples_to_0.2"
        raise UserError(f"--metric={name}: must be {known}.") from None
    return lambda run: count_samples_to(run, mark)


def count_samples_to(run: RunRecord, mark: float) -> float:
    """Return the samples learned when the test error first was at most `mark`; infinite if it never was.

    Args:
        run: the run; its error is the median over the replicas.
        mark: the test error, as a fraction.
    """
    key, reached = f"{mark:g}", run.result.get("reached", {})
    if key in reached:
        return math.inf if reached[key] is None else float(reached[key])
    samples, errors = read_curve(run.path)
    low = np.median(errors, axis=1) <= mark
    return float(samples[low.argmax()]) if low.any() else math.inf


def group_runs(runs: Sequence[RunRecord], metric: Metric) -> list[Group]:
    """Return the groups of the finished or diverged runs, best median first."""
    members: dict[tuple[tuple[str, Value], ...], list[RunRecord]] = defaultdict(list)
    for run in runs:
        if run.over:
            members[run.setting].append(run)
    groups = []
    for group in members.values():
        values = [metric(run) for run in group]
        groups.append(Group(group, values, compute_quartiles(values)))
    return sorted(groups, key=lambda group: (group.median, group.quartiles[0], group.runs[0].path))


def list_varying(runs: Sequence[RunRecord]) -> list[str]:
    """Return the fields that do not have the same value in all runs, in the order of the config."""
    found: dict[str, set[tuple[type, Value]]] = {}
    for run in runs:
        for name, value in run.fields.items():
            found.setdefault(name, set()).add((type(value), value))
    have_it = {name: sum(name in run.fields for run in runs) for name in found}
    return [name for name, values in found.items() if len(values) > 1 or have_it[name] < len(runs)]


def read_band(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """Read the test errors of all networks of a group at the same samples.

    A run that diverged before the others ended counts as error 1 from there.

    Returns:
        The samples [m] and the errors [m, s].

    Raises:
        UserError: a curve is missing or damaged.
    """
    curves = [read_curve(run.path) for run in group.runs]
    samples = max((samples for samples, _ in curves), key=len)
    columns = []
    for own, errors in curves:
        place = np.searchsorted(own, samples, "right") - 1  # the newest measurement
        late = (samples > own[-1])[:, None]
        columns.append(np.where(late, 1.0, errors[np.maximum(place, 0)]))
    return samples, np.concatenate(columns, axis=1)
