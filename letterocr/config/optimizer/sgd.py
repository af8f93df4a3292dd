"""The schema of `conf/optimizer/sgd.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from letterocr.config.contender import DESCENT, Contender, SearchRange
from letterocr.config.network_size import NetworkSize
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.option import option

_SPACE = (DESCENT, SearchRange("optimizer.keep", 0.01))


@dataclass
class SgdConfig(MethodConfig):
    """The paper's stochastic descent: each sample changes a random part of the weights and biases (section IV)."""

    name: str = option("sgd", "the optimizer", choices=("sgd",))
    mask: str = option(
        "weight",
        "what is updated or left out as one part: a weight, the row of an output, the column of an input, a layer",
        choices=("weight", "row", "column", "layer"),
    )
    keep: float = option(0.5, "the probability that a part is updated; in (0, 1]", above=0, high=1)
    rescale: bool = option(False, "divide each update by keep, so that the mean update is that of plain descent")

    contenders: ClassVar[dict[str, Contender]] = {
        f"sgd_{mask}": Contender(("optimizer=sgd", f"optimizer.mask={mask}", "optimizer.rescale=true"), _SPACE)
        for mask in ("weight", "row")
    }

    def explain_missing_bound(self) -> str:
        """Return an empty text: the bounds hold, in the mean square if updates are divided by `keep`."""
        return ""

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Count the multiply-adds of descent, and P for a mask of single weights; other masks act on v and h alone."""
        return size.descent + (size.weights if self.mask == "weight" else 0)
