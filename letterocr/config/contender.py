"""An optimizer as it takes part in a comparison: its defaults, and what of it may be tuned.

Every search space is the unit square. The first coordinate is the learning rate, over four decades, log-uniform; the
second at most one further hyperparameter, over two decades, log-uniform: a tenth to ten times its default, or the two
decades next to a bound of 1. A range is the same for every network and all letters, and has the defaults in it. Each
optimizer's config lists its contenders, one or several.
"""

from __future__ import annotations

from dataclasses import dataclass

RATE_DECADES, FURTHER_DECADES = 4, 2


@dataclass(frozen=True)
class SearchRange:
    """What one coordinate u in 0..1 stands for: low times 10^(decades u).

    Attributes:
        path: of the field in the config, such as `optimizer.damping`.
        low: the value at u = 0.
        decades: how many u = 1 is away.
        below_one: the field is 1 minus that, as for momentum, where the distance to 1 is what counts.
    """

    path: str
    low: float
    decades: int = FURTHER_DECADES
    below_one: bool = False

    def at(self, u: float) -> float:
        """The field's value at u, to four digits."""
        value = float(f"{self.low * 10 ** (self.decades * u):.4g}")
        return float(f"{1 - value:.10g}") if self.below_one else value


def make_rate_range(low: float) -> SearchRange:
    """A learning rate from `low` to 10^4 times that."""
    return SearchRange("learning_rate", low, RATE_DECADES)


# Of plain descent: the bound of the two-layer network and the best rates of the deeper ones lie well inside.
DESCENT = make_rate_range(1e-4)


@dataclass(frozen=True)
class Contender:
    """One optimizer with its defaults and its search space.

    Attributes:
        overrides: as the command `letterocr.train` takes them.
        space: the ranges of the coordinates, at most two.
        needs_quadratic: whether it fits only networks whose loss is quadratic in the weights.
    """

    overrides: tuple[str, ...]
    space: tuple[SearchRange, ...] = ()
    needs_quadratic: bool = False
