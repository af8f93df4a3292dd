"""The rules of the error vectors as data: in which layers the derivative s' stands."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.base.errors import UserError


@dataclass(frozen=True)
class Rule:
    """A rule of the error vectors (17-19), which every engine reads by its two booleans.

    Attributes:
        name: what a config calls it.
        output_slope: whether the outputs' error vector is multiplied by s'.
        hidden_slope: whether the hidden layers' error vectors are multiplied by s'.
        source: author, year, equation.
        line: what it is, in one line.
    """

    name: str
    output_slope: bool
    hidden_slope: bool
    source: str = ""
    line: str = ""

    @property
    def is_gradient(self) -> bool:
        """Whether its error vectors are those of the loss's gradient."""
        return self.output_slope and self.hidden_slope


_ALL = (
    Rule("printed", False, False, "Kantack 2020, (19, 20)", "error vectors as printed: no derivative anywhere"),
    Rule("eq18", False, True, "Kantack 2020, (17, 18)", "the derivative s' in the hidden error vectors only"),
    Rule("gradient", True, True, "Rumelhart, Hinton, Williams 1986", "the true gradient of the loss"),
)
RULES = {rule.name: rule for rule in _ALL}
GRADIENT = RULES["gradient"]


def find_rule(name: str) -> Rule:
    """The rule of that name.

    Raises:
        UserError: there is none.
    """
    if name not in RULES:
        raise UserError(f"rule={name}: must be one of {', '.join(RULES)}.")
    return RULES[name]
