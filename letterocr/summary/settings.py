"""Settings of a sweep, ready to be shown: each group of runs with its label, and the fields that the sweep varied."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from letterocr.config.label import Value, describe_value, find_usual, make_label
from letterocr.figures.heat_map import HeatMap, choose_axes, make_heat_map
from letterocr.sweep.groups import Group, list_axes

METRICS = {"final_error": "final test error", "best_error": "lowest test error"}


@dataclass(frozen=True)
class Sweep:
    """The settings of a sweep.

    Attributes:
        groups: the settings, the best first.
        metric: name of the metric, as on the command line.
    """

    groups: list[Group]
    metric: str

    @property
    def is_share(self) -> bool:
        """Whether the metric is a fraction, which is shown in per cent."""
        return self.metric in METRICS

    @property
    def measured(self) -> str:
        """The metric in words."""
        if self.is_share:
            return METRICS[self.metric]
        return f"samples to {100 * float(self.metric.removeprefix('samples_to_')):g} % error"

    @property
    def unit(self) -> str:
        """The metric in words, with its unit."""
        return f"{self.measured}, %" if self.is_share else self.measured

    @functools.cached_property
    def fields(self) -> list[str]:
        """The fields that the sweep varied."""
        return list_axes(self.groups)

    @functools.cached_property
    def usual(self) -> dict[str, Value]:
        """The values that labels leave out, as most settings have them."""
        return find_usual([group.fields for group in self.groups], self.fields)

    def label(self, group: Group) -> str:
        """Return the label of a setting."""
        return make_label(group.fields, self.fields, self.usual) or "all runs"

    @property
    def unreached(self) -> str:
        """What stands in place of a value that a setting did not reach."""
        return "diverged" if self.is_share else "not reached"

    def measure(self, group: Group) -> float:
        """Return the median of the metric; infinite for an error if more than half of the networks diverged."""
        return math.inf if self.is_share and 2 * group.diverged > len(group.values) else group.median

    def format_quartiles(self, group: Group) -> list[str]:
        """Format lower quartile, median and upper quartile of a setting; one network alone has no quartiles."""
        low, _, high = (format_metric(value, self.is_share) for value in group.quartiles)
        median = self.measure(group)
        middle = self.unreached if math.isinf(median) else format_metric(median, self.is_share)
        alone = len(group.values) == 1 or group.diverged == len(group.values)
        return ["–", middle, "–"] if alone else [low, middle, high]

    def list_columns(self) -> dict[str, list[Value]]:
        """Return the values of every field that varies, one for each setting."""
        return {name: [group.fields.get(name, "–") for group in self.groups] for name in self.fields}

    def make_heat_map(self, x: str | None, y: str | None) -> HeatMap | None:
        """Return the heat map of the medians; None if fewer than two fields vary."""
        columns = self.list_columns()
        columns |= {n: [group.fields.get(n, "–") for group in self.groups] for n in (x, y) if n}
        axes = choose_axes(columns, x, y)
        if axes is None:
            return None
        return make_heat_map(columns, [self.measure(g) for g in self.groups], axes, _describe)


def _describe(name: str, value: object) -> str:
    return describe_value(name, value) if isinstance(value, bool | int | float | str) else str(value)


def format_metric(value: float, is_share: bool) -> str:
    """Format a metric: an error in per cent, samples as a whole number.

    Example:
        >>> format_metric(0.125, True), format_metric(1200.0, False), format_metric(math.inf, False)
        ('12.5 %', '1,200', 'not reached')
    """
    if math.isinf(value):
        return "not reached"
    return f"{100 * value:.1f} %" if is_share else f"{value:,.0f}"


def describe_diverged(group: Group) -> str:
    """Return how many networks of a setting diverged; empty if none did."""
    return f"{group.diverged} of {len(group.values)} diverged" if group.diverged else ""


def list_rows(sweep: Sweep, groups: Sequence[Group]) -> list[list[str]]:
    """Return the rows of the table for the terminal: the folder comes last."""
    rows = []
    for group in groups:
        low, middle, high = sweep.format_quartiles(group)
        some = describe_diverged(group) if group.diverged < len(group.values) else ""  # else the median says so
        label = ", ".join(filter(None, [some, sweep.label(group)]))
        spread = "–" if low in ("–", "not reached") else f"{low} to {high}"
        rows.append([middle, spread, str(len(group.values)), label, group.runs[0].path.name])
    return rows
