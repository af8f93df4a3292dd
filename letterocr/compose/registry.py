"""Everything that a config can name: what it is, where it is from, and which code makes it.

`--help` and the tables of the documentation are made from these entries; heavy modules are imported on use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from letterocr.config.data import EmnistConfig, ImagesConfig, SyntheticConfig
from letterocr.config.optimizer.asgd import AsgdConfig
from letterocr.config.optimizer.diagonal import DiagonalConfig
from letterocr.config.optimizer.gauss_newton import GaussNewtonConfig
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.config.optimizer.learned import LearnedConfig
from letterocr.config.optimizer.learned_factored import LearnedFactoredConfig
from letterocr.config.optimizer.newton import NewtonConfig
from letterocr.config.optimizer.sgd import SgdConfig
from letterocr.config.optimizer.smd import SmdConfig
from letterocr.config.optimizer.torch import TorchConfig
from letterocr.config.optimizer.vanilla import VanillaConfig


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


CHAIN = "letterocr.models.chain:initialise"
MODELS = {
    "two_layer": Entry(None, CHAIN, "Kantack 2020, Fig. 1, (2, 12)", "one weight matrix 900-26, linear"),
    "three_layer": Entry(None, CHAIN, "Kantack 2020, Fig. 6, (16)", "two weight matrices 900-1800-26"),
    "four_layer": Entry(None, CHAIN, "Kantack 2020, Fig. 8", "three weight matrices 900-1800-1800-26"),
    "spectral": Entry(
        None,
        "letterocr.models.spectral:initialise",
        "Ionescu et al. 2015, DeepO2P",
        "the covariance of filtered patches, its matrix logarithm, a weight matrix",
    ),
}
RULES = {
    "printed": Entry(None, "", "Kantack 2020, (19, 20)", "error vectors as printed: no derivative anywhere"),
    "eq18": Entry(None, "", "Kantack 2020, (17, 18)", "the derivative s' in the hidden error vectors only"),
    "gradient": Entry(None, "", "Rumelhart, Hinton, Williams 1986", "the true gradient of the loss"),
}
DATA = {
    "synthetic": Entry(
        SyntheticConfig, "letterocr.data.synthetic:load_once", "letterocr", "our own handwriting synthesiser"
    ),
    "emnist": Entry(
        EmnistConfig, "letterocr.data.emnist:load", "Cohen et al. 2017", "capital letters of EMNIST by-class"
    ),
    "images": Entry(ImagesConfig, "letterocr.data.images:load", "yours", "a folder A/ ... Z/ or an .npz file"),
}
OPTIMIZERS = {
    "vanilla": Entry(
        VanillaConfig,
        "letterocr.optimizers.vanilla:Vanilla",
        "Kantack 2020, (6, 20)",
        "gradient descent, one sample or batch at a time",
    ),
    "sgd": Entry(
        SgdConfig,
        "letterocr.optimizers.sgd:Sgd",
        "Kantack 2020, section IV",
        "descent on a random part of the weights for each sample",
    ),
    "asgd": Entry(
        AsgdConfig,
        "letterocr.optimizers.asgd:Asgd",
        "Bottou 2010; Polyak, Juditsky 1992",
        "descent, tested on the average of its weights",
    ),
    "newton": Entry(
        NewtonConfig,
        "letterocr.optimizers.newton:Newton",
        "Bottou 2010; Plackett 1950",
        "Newton's method on the two-layer network, recursive least squares",
    ),
    "gauss_newton": Entry(
        GaussNewtonConfig,
        "letterocr.optimizers.gauss_newton:GaussNewton",
        "Schraudolph 2002",
        "damped Gauss-Newton steps, solved in the outputs",
    ),
    "smd": Entry(
        SmdConfig,
        "letterocr.optimizers.smd:Smd",
        "Schraudolph 2002",
        "stochastic meta-descent: learning rates that learn",
    ),
    "diagonal": Entry(
        DiagonalConfig,
        "letterocr.optimizers.diagonal:Diagonal",
        "LeCun, Bottou, Orr, Müller 1998",
        "a learning rate for each weight from its mean curvature",
    ),
    "kfac": Entry(
        KfacConfig,
        "letterocr.optimizers.kfac:Kfac",
        "Martens, Grosse 2015",
        "Kronecker factors of the curvature, the step an outer product",
    ),
    "learned": Entry(
        LearnedConfig,
        "letterocr.optimizers.learned.learned:Learned",
        "Andrychowicz et al. 2016",
        "a recurrent network makes the step of each weight",
    ),
    "learned_factored": Entry(
        LearnedFactoredConfig,
        "letterocr.optimizers.learned.learned_factored:LearnedFactored",
        "after Andrychowicz et al. 2016",
        "recurrent networks make the factors of the step",
    ),
    "torch": Entry(
        TorchConfig,
        "letterocr.optimizers.torch:Torch",
        "torch.optim",
        "any optimizer of PyTorch: optimizer.name=Adam",
    ),
}


def find_model(name: str) -> Entry:
    """The entry of a model's name, which is free for a chain of weight matrices."""
    return MODELS.get(name, MODELS["three_layer"])


def find_optimizer_of(chosen: Any) -> Entry:
    """The entry of an optimizer's config, by its class: `optimizer=torch` keeps PyTorch's own name."""
    return next(entry for entry in OPTIMIZERS.values() if entry.schema is type(chosen))


def find_optimizer(name: str) -> Entry:
    """The entry of an optimizer's name, which may be PyTorch's own."""
    return OPTIMIZERS.get(name, OPTIMIZERS["torch"])


GROUPS = {"model": MODELS, "rule": RULES, "data": DATA, "optimizer": OPTIMIZERS}
