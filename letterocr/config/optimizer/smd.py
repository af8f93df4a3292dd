"""The schema of `conf/optimizer/smd.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from letterocr.config.contender import DESCENT, Contender, SearchRange
from letterocr.config.network_size import NetworkSize
from letterocr.config.optimizer.method import MethodConfig, require_gradient
from letterocr.config.option import option

if TYPE_CHECKING:
    from letterocr.config.train import TrainConfig


@dataclass
class SmdConfig(MethodConfig):
    """Stochastic meta-descent: each weight has a learning rate, which is learned as well (Schraudolph 2002)."""

    name: str = option("smd", "the optimizer", choices=("smd",))
    meta_rate: float = option(3.0, "mu in p <- p max(1/2, 1 - mu g v)", low=0)
    memory: float = option(0.99, "lambda, the decay of v, the effect of earlier p on w; in [0, 1]", low=0, high=1)

    contenders: ClassVar[dict[str, Contender]] = {
        "smd": Contender(("optimizer=smd",), (DESCENT, SearchRange("optimizer.meta_rate", 0.3)))
    }

    def validate(self, run: TrainConfig) -> None:
        """Refuse a rule that is not the gradient.

        Args:
            run: the config of the run.

        Raises:
            UserError: names the rule and the mend.
        """
        require_gradient(run, self.name)

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Count the multiply-adds of descent, 2 (P + P') for the curvature-vector product, and 8 P elementwise.

        The product is a forward pass with v and W, a backward pass and an outer product. The elementwise operations are
        the gains (3), the step (2) and the effects (3).
        """
        return size.descent + 2 * (size.weights + size.weights_behind) + 8 * size.weights
