"""The schema of `conf/optimizer/newton.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.optimizer.refusals import Refusal
from letterocr.config.option import option
from letterocr.config.train import TrainConfig


@dataclass
class NewtonConfig:
    """Newton's method for the linear two-layer network; one sample at a time, recursive least squares."""

    name: str = option("newton", "the optimizer", choices=("newton",))
    ridge: float = option(1.0, "epsilon in the Hessian sum a a^T + epsilon 1; 0 with batch=all only", low=0)
    forget: float = option(1.0, "factor by which older samples count less, for each update; in (0, 1]", above=0, high=1)

    def refusal(self, run: TrainConfig) -> Refusal:
        """Only where the loss is quadratic, and the Hessian has an inverse."""
        if run.model.hidden or run.model.activation != "linear":
            return "model", run.model.name, "optimizer=newton needs a quadratic loss: take model=two_layer"
        if self.ridge == 0 and run.batch != "all":
            mend = f"the Hessian of batch={run.batch} is singular; take a ridge above 0, or batch=all"
            return "optimizer.ridge", self.ridge, mend
        return None
