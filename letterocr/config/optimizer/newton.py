"""The schema of `conf/optimizer/newton.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from letterocr.config.contender import Contender, SearchRange, make_rate_range
from letterocr.config.network_size import NetworkSize
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.option import option
from letterocr.config.refusal import refuse

if TYPE_CHECKING:
    from letterocr.config.train import TrainConfig


@dataclass
class NewtonConfig(MethodConfig):
    """Newton's method for the linear two-layer network; for single samples it is recursive least squares."""

    name: str = option("newton", "the optimizer", choices=("newton",))
    ridge: float = option(1.0, "epsilon in the Hessian sum a a^T + epsilon 1; 0 with batch=all only", low=0)
    forget: float = option(1.0, "factor on the weight of all older samples at each update; in (0, 1]", above=0, high=1)

    contenders: ClassVar[dict[str, Contender]] = {
        "newton": Contender(
            ("optimizer=newton",), (make_rate_range(1e-3), SearchRange("optimizer.ridge", 0.1)), needs_quadratic=True
        )
    }

    def validate(self, run: TrainConfig) -> None:
        """Refuse a loss that is not quadratic, and a Hessian that has no inverse.

        Args:
            run: the config of the run.

        Raises:
            UserError: names the field, its value and the mend.
        """
        if not run.model.is_quadratic:
            refuse("model", run.model.name, "optimizer=newton needs a quadratic loss: take model=two_layer")
        if self.ridge == 0 and run.batch != "all":
            mend = f"the Hessian of batch={run.batch} is singular; take a ridge above 0, or batch=all"
            refuse("optimizer.ridge", self.ridge, mend)

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Count the multiply-adds of forward and update, and 2 n^2 for R^-1 a and the rank-one update of R^-1."""
        return 2 * size.weights + 2 * size.widths[0] ** 2
