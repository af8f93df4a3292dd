"""The schema of `conf/optimizer/gauss_newton.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.optimizer.refusals import Refusal, needs_gradient
from letterocr.config.option import option
from letterocr.config.train import TrainConfig


@dataclass
class GaussNewtonConfig:
    """Damped Gauss-Newton steps, solved in the outputs."""

    name: str = option("gauss_newton", "the optimizer", choices=("gauss_newton",))
    damping: float = option(0.3, "lambda in the step (G + lambda 1)^-1 times the gradient", low=0)
    iterations: int = option(20, "of conjugate gradients, for batches of more than one sample", low=1)

    def refusal(self, run: TrainConfig) -> Refusal:
        """Only for the gradient, and only where the system has a solution."""
        if self.damping == 0 and (run.batch != "1" or run.model.activation != "linear" or run.model.hidden):
            mend = "J J^T may be singular with sigmoids, hidden layers or batches; take a damping above 0"
            return "optimizer.damping", self.damping, mend
        return needs_gradient(run, self.name)
