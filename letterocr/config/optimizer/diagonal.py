"""The schema of `conf/optimizer/diagonal.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from letterocr.config.contender import Contender, SearchRange, make_rate_range
from letterocr.config.network_size import NetworkSize
from letterocr.config.optimizer.method import MethodConfig, require_gradient
from letterocr.config.option import option

if TYPE_CHECKING:
    from letterocr.config.train import TrainConfig


@dataclass
class DiagonalConfig(MethodConfig):
    """Stochastic diagonal Levenberg-Marquardt (LeCun et al. 1998): alpha/(mean curvature + damping) for each weight."""

    name: str = option("diagonal", "the optimizer", choices=("diagonal",))
    damping: float = option(0.03, "added to the mean curvature of each weight", above=0)
    memory: float = option(0.99, "gamma in the running mean of the curvature; in [0, 1)", low=0, below=1)

    contenders: ClassVar[dict[str, Contender]] = {
        "diagonal": Contender(("optimizer=diagonal",), (make_rate_range(1e-5), SearchRange("optimizer.damping", 0.003)))
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
        """Count the multiply-adds of descent, 2 P' and 5 P.

        2 P' are the squares of the weights and the backward pass with them. 5 P are the outer product of the curvatures
        (1) and elementwise operations: the mean (2), the quotient (1), the step (1).
        """
        return size.descent + 2 * size.weights_behind + 5 * size.weights
