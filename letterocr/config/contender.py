"""Contenders of `letterocr.compare`: optimizers with their default settings and the range of each tuned field.

Every search space is the unit square. The first coordinate is the learning rate, log-uniform over four decades. The
second, if there is one, is a further hyperparameter, log-uniform over two decades: from a tenth to ten times its
default, or the two decades next to a bound of 1. A range is the same for every network and all letters, and contains
the default. Each optimizer's config lists its contenders, one or several.
"""

from __future__ import annotations

from dataclasses import dataclass

RATE_DECADES, FURTHER_DECADES = 4, 2


@dataclass(frozen=True)
class SearchRange:
    """The range of one coordinate: u in 0..1 stands for low * 10^(decades u).

    Attributes:
        path: the field in the config, such as `optimizer.damping`.
        low: the value at u = 0.
        decades: how many decades the range spans.
        below_one: whether the field is 1 minus this value, as for momentum, where the distance to 1 counts.
    """

    path: str
    low: float
    decades: int = FURTHER_DECADES
    below_one: bool = False

    def at(self, u: float) -> float:
        """The field's value at u, or its distance to 1 with `below_one`, rounded to four digits.

        Example:
            >>> SearchRange("optimizer.damping", low=0.01).at(0.5)
            0.1
            >>> SearchRange("optimizer.momentum", low=0.01, below_one=True).at(0.5)
            0.9
        """
        value = float(f"{self.low * 10 ** (self.decades * u):.4g}")
        return float(f"{1 - value:.10g}") if self.below_one else value


def make_rate_range(low: float) -> SearchRange:
    """Return the range of a learning rate from `low` to 10^4 times `low`."""
    return SearchRange("learning_rate", low, RATE_DECADES)


# For plain descent: the bound of the two-layer network and the best rates of the deeper ones lie well inside.
DESCENT = make_rate_range(1e-4)


@dataclass(frozen=True)
class Contender:
    """An optimizer with its default settings and its search space.

    Attributes:
        overrides: arguments of `letterocr.train`, such as `optimizer=kfac`.
        space: the ranges of the coordinates, at most two.
        needs_quadratic: whether it fits only networks whose loss is quadratic in the weights.
    """

    overrides: tuple[str, ...]
    space: tuple[SearchRange, ...] = ()
    needs_quadratic: bool = False
