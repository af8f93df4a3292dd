"""The schema of `conf/optimizer/`: the fields of every optimizer, and which runs it fits.

`refusal` says why an optimizer does not fit a run: the field, its value and the mend; None where it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from letterocr.config import TrainConfig, option

Refusal = tuple[str, Any, str] | None


def needs_gradient(run: TrainConfig, name: str) -> Refusal:
    """Refuses a rule that is not the gradient; the linear two-layer network has one rule only."""
    if run.rule == "gradient" or (run.model.activation == "linear" and not run.model.hidden):
        return None
    return "rule", run.rule, f"optimizer={name} is made of the loss's curvature and needs rule=gradient"


def needs_single(run: TrainConfig, name: str) -> Refusal:
    """Refuses batches."""
    return (
        None if run.batch == "1" else ("batch", run.batch, f"optimizer={name} learns one sample at a time; leave it 1")
    )


@dataclass
class VanillaConfig:
    """Gradient descent, one sample or batch at a time (6, 20)."""

    name: str = option("vanilla", "the optimizer", choices=("vanilla",))
    momentum: float = option(0.0, "mu in M <- mu M + v h^T, W <- W - alpha M; below 1", low=0, below=1)
    weight_decay: float = option(0.0, "lambda: adds lambda W to the gradient", low=0)


@dataclass
class SgdConfig:
    """The paper's stochastic descent: each sample changes a random part of the weights and biases."""

    name: str = option("sgd", "the optimizer", choices=("sgd",))
    mask: str = option(
        "weight",
        "what is kept or left out as one: each weight, the row of an output, the column of an input, a whole layer",
        choices=("weight", "row", "column", "layer"),
    )
    keep: float = option(0.5, "the probability that a part is updated; in (0, 1]", above=0, high=1)
    rescale: bool = option(False, "divide by keep, so that the mean update is the gradient's")


@dataclass
class AsgdConfig:
    """Averaged stochastic gradient descent (Bottou 2010); the averaged weights are tested."""

    name: str = option("asgd", "the optimizer", choices=("asgd",))
    start: float = option(0.5, "the part of the run after which the average begins; in [0, 1)", low=0, below=1)


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


@dataclass
class SmdConfig:
    """Stochastic meta-descent: each weight has a learning rate that learns (Schraudolph 2002)."""

    name: str = option("smd", "the optimizer", choices=("smd",))
    meta_rate: float = option(3.0, "mu in p <- p max(1/2, 1 - mu g v)", low=0)
    memory: float = option(0.99, "lambda, how far back the effect of p is followed; in [0, 1]", low=0, high=1)

    def refusal(self, run: TrainConfig) -> Refusal:
        """Only for the gradient."""
        return needs_gradient(run, self.name)


@dataclass
class DiagonalConfig:
    """Stochastic diagonal Levenberg-Marquardt (LeCun et al. 1998): alpha/(mean curvature + damping) for each weight."""

    name: str = option("diagonal", "the optimizer", choices=("diagonal",))
    damping: float = option(0.03, "added to the mean curvature of each weight", above=0)
    memory: float = option(0.99, "gamma in the running mean of the curvature; in [0, 1)", low=0, below=1)

    def refusal(self, run: TrainConfig) -> Refusal:
        """Only for the gradient."""
        return needs_gradient(run, self.name)


@dataclass
class KfacConfig:
    """Online Kronecker factors (Martens, Grosse 2015), their inverses kept by rank-one updates."""

    name: str = option("kfac", "the optimizer", choices=("kfac",))
    damping: float = option(10.0, "added to both factors' diagonals, in parts of their mean eigenvalue", above=0)
    prior: float = option(100.0, "how many samples' worth of damping both factors start with", above=0)

    def refusal(self, run: TrainConfig) -> Refusal:
        """Only one sample at a time."""
        return needs_single(run, self.name)


@dataclass
class LearnedConfig:
    """A learned rule, coordinate by coordinate (Andrychowicz et al. 2016)."""

    name: str = option("learned", "the optimizer", choices=("learned",))
    path: str | None = option(None, "a file made by letterocr.meta_train; null: the one that ships with the package")


@dataclass
class LearnedFactoredConfig:
    """A learned rule on the factors v and h."""

    name: str = option("learned_factored", "the optimizer", choices=("learned_factored",))
    path: str | None = option(None, "a file made by letterocr.meta_train; null: the one that ships with the package")

    def refusal(self, run: TrainConfig) -> Refusal:
        """Only one sample at a time."""
        return needs_single(run, self.name)


@dataclass
class TorchConfig:
    """Any optimizer of torch.optim by its name, with full gradients."""

    name: str = option("Adam", "its class in torch.optim")
    options: dict[str, Any] = option({}, "its further arguments, as in optimizer.options={betas:[0.9,0.99]}")
