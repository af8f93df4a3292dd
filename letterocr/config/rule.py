"""The rules of the error vectors as data: each rule says in which layers the derivative s' stands."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.base.errors import UserError


@dataclass(frozen=True)
class Rule:
    """A rule of the error vectors (17-19); every engine reads its two booleans.

    Attributes:
        name: its name in a config.
        output_slope: whether the outputs' error vector is multiplied by s'.
        hidden_slope: whether the hidden layers' error vectors are multiplied by s'.
        source: author, year, equation.
        line: its explanation, in one line.
    """

    name: str
    output_slope: bool
    hidden_slope: bool
    source: str = ""
    line: str = ""

    @property
    def is_gradient(self) -> bool:
        """Whether its error vectors give the gradient of the loss."""
        return self.output_slope and self.hidden_slope


_ALL = (
    Rule("printed", False, False, "Kantack 2020, (19, 20)", "error vectors as printed: no derivative anywhere"),
    Rule("eq18", False, True, "Kantack 2020, (17, 18)", "the derivative s' in the hidden error vectors only"),
    Rule("gradient", True, True, "Rumelhart, Hinton, Williams 1986", "the true gradient of the loss"),
)
RULES = {rule.name: rule for rule in _ALL}
GRADIENT = RULES["gradient"]


def find_rule(name: str) -> Rule:
    """Return the rule with this name.

    Raises:
        UserError: there is no such rule.
    """
    if name not in RULES:
        raise UserError(f"rule={name}: must be one of {', '.join(RULES)}.")
    return RULES[name]
