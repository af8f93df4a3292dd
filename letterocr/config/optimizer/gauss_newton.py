"""The schema of `conf/optimizer/gauss_newton.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from letterocr.config.contender import Contender, SearchRange, make_rate_range
from letterocr.config.network_size import NetworkSize
from letterocr.config.optimizer.method import MethodConfig, require_gradient
from letterocr.config.option import option
from letterocr.config.refusal import refuse

if TYPE_CHECKING:
    from letterocr.config.train import TrainConfig


@dataclass
class GaussNewtonConfig(MethodConfig):
    """Damped Gauss-Newton steps, solved in the space of the outputs."""

    name: str = option("gauss_newton", "the optimizer", choices=("gauss_newton",))
    damping: float = option(0.3, "lambda in the step (G + lambda 1)^-1 times the gradient", low=0)
    iterations: int = option(20, "steps of conjugate gradients, for batches of more than one sample", low=1)

    contenders: ClassVar[dict[str, Contender]] = {
        "gauss_newton": Contender(
            ("optimizer=gauss_newton",), (make_rate_range(1e-3), SearchRange("optimizer.damping", 0.03))
        )
    }

    def validate(self, run: TrainConfig) -> None:
        """Refuse a rule that is not the gradient, and a linear system that may have no solution.

        Args:
            run: the config of the run.

        Raises:
            UserError: names the field, its value and the mend.
        """
        if self.damping == 0 and (run.batch != "1" or not run.model.is_quadratic):
            mend = "J J^T may be singular with sigmoids, hidden layers or batches; take a damping above 0"
            refuse("optimizer.damping", self.damping, mend)
        require_gradient(run, self.name)

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Count the multiply-adds of descent, and for C classes C P', C^2 m for each matrix, and C^3 / 3.

        C P' send the unit errors back, C^2 m make J J^T, and C^3 / 3 solve the system.
        """
        classes = size.classes
        return size.descent + classes * size.weights_behind + classes**2 * size.units + classes**3 / 3
