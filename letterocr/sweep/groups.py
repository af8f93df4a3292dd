"""Groups of a sweep: runs that differ only in the seed, with median and quartiles over all their networks.

Networks are counted, not runs: a run with three replicas has three. Shapes: m samples at which the test error was
measured, s networks (every replica of every seed) of a group.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from letterocr.base.errors import UserError
from letterocr.base.quartiles import compute_row_quartiles
from letterocr.config.label import Value, list_telling
from letterocr.run.curve import read_curve
from letterocr.sweep.reader import RunRecord

Metric = Callable[[RunRecord], list[float]]


@dataclass(frozen=True)
class Group:
    """All finished or diverged runs of one setting.

    Attributes:
        runs: one for each seed.
        values: values of the metric, one for each network; infinite if an error was not reached.
        quartiles: lower quartile, median and upper quartile of the values.
        diverged: number of its networks that diverged.
    """

    runs: list[RunRecord]
    values: list[float]
    quartiles: tuple[float, float, float]
    diverged: int

    @property
    def fields(self) -> dict[str, Value]:
        """The fields of the setting, without the seed."""
        return dict(self.runs[0].setting)

    @property
    def median(self) -> float:
        """The median of the metric over the networks."""
        return self.quartiles[1]


def find_metric(name: str) -> Metric:
    """Return the function that computes a metric of each network of a run; smaller values are better.

    Args:
        name: `final_error`, `best_error`, or `samples_to_` with an error, as in `samples_to_0.2`.

    Raises:
        UserError: there is no such metric.
    """
    if name in ("final_error", "best_error"):
        key = {"final_error": "error", "best_error": "best_error"}[name]
        return lambda run: _read_networks(run, key)
    level = name.removeprefix("samples_to_")
    try:
        mark = float(level)
        if level == name or not 0 <= mark <= 1:
            raise ValueError
    except ValueError:
        known = "final_error, best_error, or samples_to_ with an error in 0 to 1, as in samples_to_0.2"
        raise UserError(f"--metric={name}: must be {known}.") from None
    return lambda run: count_samples_to(run, mark)


def _count_networks(run: RunRecord) -> int:
    replicas = run.fields.get("replicas", 1)
    return replicas if isinstance(replicas, int) else 1


def _read_networks(run: RunRecord, key: str) -> list[float]:
    """Return the final or lowest test error of each network; 1 for a network that diverged."""
    stored = run.result.get("networks", {}).get(key)
    if stored is not None:
        return [float(value) for value in stored]
    if _count_networks(run) == 1 or run.state == "diverged":
        return [float(run.result[key])] * _count_networks(run)
    try:  # a folder of an early version
        _, errors = read_curve(run.path)
    except UserError:
        return [float(run.result[key])]
    return [float(value) for value in (errors[-1] if key == "error" else errors.min(axis=0))]


def count_samples_to(run: RunRecord, mark: float) -> list[float]:
    """Return the samples learned when the test error of each network first was at most `mark`; infinite if never.

    Args:
        run: the run.
        mark: the test error, as a fraction.
    """
    key, reached = f"{mark:g}", run.result.get("reached", {})
    stored = run.result.get("networks", {}).get("reached", {}).get(key)
    if stored is None and _count_networks(run) == 1 and key in reached:
        stored = [reached[key]]
    if stored is not None:
        return [math.inf if n is None else float(n) for n in stored]
    samples, errors = read_curve(run.path)
    low = errors <= mark
    return [float(samples[column.argmax()]) if column.any() else math.inf for column in low.T]


def group_runs(runs: Sequence[RunRecord], metric: Metric) -> list[Group]:
    """Return the groups of the finished or diverged runs, best median first; diverged settings come last."""
    members: dict[tuple[tuple[str, Value], ...], list[RunRecord]] = defaultdict(list)
    for run in runs:
        if run.over:
            members[run.setting].append(run)
    values = [[value for run in group for value in metric(run)] for group in members.values()]
    groups = [
        Group(group, own, quartiles, sum(map(_count_diverged, group)))
        for group, own, quartiles in zip(members.values(), values, _compute_all_quartiles(values), strict=True)
    ]
    return sorted(groups, key=lambda group: (group.median, group.quartiles[0], group.diverged, group.runs[0].path))


def _compute_all_quartiles(values: Sequence[list[float]]) -> list[tuple[float, float, float]]:
    """Return the quartiles of each list; all at once, as one by one takes 50 times as long."""
    rows = np.full((len(values), max(map(len, values), default=0)), np.nan)
    for row, own in zip(rows, values, strict=True):
        row[: len(own)] = own
    return [(low, middle, high) for low, middle, high in compute_row_quartiles(rows).T.tolist()]


def _count_diverged(run: RunRecord) -> int:
    diverged = run.result.get("diverged")
    return len(diverged) if isinstance(diverged, dict) else _count_networks(run) * (run.state == "diverged")


def list_axes(groups: Sequence[Group]) -> list[str]:
    """Return the fields that the sweep varied, without the seed and without those that follow from another one."""
    return [name for name in list_telling([group.fields for group in groups]) if name != "seed"]


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
