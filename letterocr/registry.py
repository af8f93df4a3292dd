"""Everything that a config can name: what it is, where it is from, and which code makes it.

`--help` and the tables of the documentation are made from these entries; heavy modules are imported on use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from letterocr import config


@dataclass(frozen=True)
class Entry:
    """One choice of a config group.

    Attributes:
        schema: its config dataclass, or None where the choice has no fields of its own.
        target: `module:name` of the class or function that it selects, or empty.
        source: author, year, equation.
        line: what it is, in one line.
    """

    schema: type | None
    target: str
    source: str
    line: str

    def load(self) -> Any:
        """The class or function itself."""
        return resolve_name(self.target)


MODELS = {
    "two_layer": Entry(None, "", "Kantack 2020, Fig. 1, (2, 12)", "one weight matrix 900-26, linear"),
    "three_layer": Entry(None, "", "Kantack 2020, Fig. 6, (16)", "two weight matrices 900-1800-26"),
    "four_layer": Entry(None, "", "Kantack 2020, Fig. 8", "three weight matrices 900-1800-1800-26"),
}
RULES = {
    "printed": Entry(None, "", "Kantack 2020, (19, 20)", "error vectors as printed: no derivative anywhere"),
    "eq18": Entry(None, "", "Kantack 2020, (17, 18)", "the derivative s' in the hidden error vectors only"),
    "gradient": Entry(None, "", "Rumelhart, Hinton, Williams 1986", "the true gradient of the loss"),
}
DATA = {
    "synthetic": Entry(
        config.SyntheticConfig, "letterocr.data.synthetic:load", "letterocr", "our own handwriting synthesiser"
    ),
    "emnist": Entry(
        config.EmnistConfig, "letterocr.data.emnist:load", "Cohen et al. 2017", "capital letters of EMNIST by-class"
    ),
    "images": Entry(config.ImagesConfig, "letterocr.data.images:load", "yours", "a folder A/ ... Z/ or an .npz file"),
}
OPTIMIZERS = {
    "vanilla": Entry(
        config.VanillaConfig,
        "letterocr.optim.vanilla:Vanilla",
        "Kantack 2020, (6, 20)",
        "gradient descent, one sample at a time",
    ),
}
GROUPS = {"model": MODELS, "rule": RULES, "data": DATA, "optimizer": OPTIMIZERS}
