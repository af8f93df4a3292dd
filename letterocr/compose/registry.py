"""Registry of everything that a config can name: models, sources of letters, optimizers and rules, with their code.

`--help` and the tables of the documentation are made from these entries. Heavy modules are imported on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from letterocr.base.errors import UserError
from letterocr.config.data import ArraysConfig, EmnistConfig, ImagesConfig, SourceConfig, SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.model.network import NetworkConfig
from letterocr.config.model.spectral import SpectralConfig
from letterocr.config.optimizer.asgd import AsgdConfig
from letterocr.config.optimizer.diagonal import DiagonalConfig
from letterocr.config.optimizer.gauss_newton import GaussNewtonConfig
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.config.optimizer.learned import LearnedConfig
from letterocr.config.optimizer.learned_factored import LearnedFactoredConfig
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.optimizer.newton import NewtonConfig
from letterocr.config.optimizer.sgd import SgdConfig
from letterocr.config.optimizer.smd import SmdConfig
from letterocr.config.optimizer.torch import TorchConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.rule import RULES, Rule

if TYPE_CHECKING:
    from letterocr.data.letters import Split

Schema = TypeVar("Schema", bound=NetworkConfig | SourceConfig | MethodConfig)


@dataclass(frozen=True)
class Entry(Generic[Schema]):
    """One choice of a config group.

    An entry is found by its config dataclass, so a choice with code of its own needs a config dataclass of its own.

    Attributes:
        schema: its config dataclass.
        target: `module:name` of the class or function that it selects.
        source: author, year, equation.
        line: description in one line.
        engine: `module:name` of the engine that trains this network; empty for the engines of all chains.
    """

    schema: type[Schema]
    target: str
    source: str
    line: str
    engine: str = ""

    def load(self) -> Any:
        """Import and return the class or function."""
        return resolve_name(self.target)

    def load_engine(self) -> Any:
        """Import and return the class of the engine; None for the engines of all chains."""
        return resolve_name(self.engine) if self.engine else None


CHAIN = "letterocr.models.chain:initialise"
MODELS: dict[str, Entry[NetworkConfig]] = {
    "two_layer": Entry(ChainConfig, CHAIN, "Kantack 2020, Fig. 1, (2, 12)", "one weight matrix 900-26, linear"),
    "three_layer": Entry(ChainConfig, CHAIN, "Kantack 2020, Fig. 6, (16)", "two weight matrices 900-1800-26"),
    "four_layer": Entry(ChainConfig, CHAIN, "Kantack 2020, Fig. 8", "three weight matrices 900-1800-1800-26"),
    "spectral": Entry(
        SpectralConfig,
        "letterocr.models.spectral:initialise",
        "Ionescu et al. 2015, DeepO2P",
        "covariance of filtered patches, its matrix logarithm, and a weight matrix",
        engine="letterocr.engine.autograd:SpectralEngine",
    ),
}
DATA: dict[str, Entry[SourceConfig]] = {
    "synthetic": Entry(
        SyntheticConfig, "letterocr.data.synthetic:load_once", "letterocr", "handwriting drawn by the package itself"
    ),
    "emnist": Entry(
        EmnistConfig, "letterocr.data.emnist:load", "Cohen et al. 2017", "capital letters and digits of EMNIST by-class"
    ),
    "images": Entry(
        ImagesConfig, "letterocr.data.images:load", "yours", "a folder with A/ ... Z/ or 0/ ... 9/, or an .npz file"
    ),
    "arrays": Entry(ArraysConfig, "letterocr.data.arrays:load", "yours", "arrays that letterocr.fit stored in a file"),
}
OPTIMIZERS: dict[str, Entry[MethodConfig]] = {
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
        "gradient descent on a random part of the weights for each sample",
    ),
    "asgd": Entry(
        AsgdConfig,
        "letterocr.optimizers.asgd:Asgd",
        "Bottou 2010; Polyak, Juditsky 1992",
        "gradient descent, tested on the average of its weights",
    ),
    "newton": Entry(
        NewtonConfig,
        "letterocr.optimizers.newton:Newton",
        "Bottou 2010; Plackett 1950",
        "Newton's method on the two-layer network: recursive least squares",
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
        "stochastic meta-descent: a learning rate for each weight, which is adapted",
    ),
    "diagonal": Entry(
        DiagonalConfig,
        "letterocr.optimizers.diagonal:Diagonal",
        "LeCun, Bottou, Orr, Müller 1998",
        "a learning rate for each weight, from its mean curvature",
    ),
    "kfac": Entry(
        KfacConfig,
        "letterocr.optimizers.kfac:Kfac",
        "Martens, Grosse 2015",
        "Kronecker factors of the curvature; the step is an outer product",
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
GROUPS: dict[str, Mapping[str, Entry[Any] | Rule]] = {
    "model": MODELS,
    "rule": RULES,
    "data": DATA,
    "optimizer": OPTIMIZERS,
}


def find_model(config: NetworkConfig) -> Entry[NetworkConfig]:
    """Return the entry of a network's config; all presets with the same config dataclass have the same code."""
    return _find_by_schema(MODELS, type(config))


def find_source(config: SourceConfig) -> Entry[SourceConfig]:
    """Return the entry of the config of a source of letters."""
    return _find_by_schema(DATA, type(config))


def load_letters(config: SourceConfig) -> Split:
    """Load the letters of a source.

    Raises:
        UserError: the source says what is wrong with its files.
    """
    split: Split = find_source(config).load()(config)
    return split


def find_optimizer(config: MethodConfig) -> Entry[MethodConfig]:
    """Return the entry of an optimizer's config."""
    return _find_by_schema(OPTIMIZERS, type(config))


def find_optimizer_name(config: MethodConfig) -> str:
    """Return the choice of `optimizer=` that an optimizer's config belongs to: `torch` for every one of PyTorch's."""
    names = [name for name, entry in OPTIMIZERS.items() if entry.schema is type(config)]
    return config.name if config.name in names else names[0]


def find_stored_schemas(kind: str, source: str, optimizer: str) -> tuple[type, type, type]:
    """Return the config dataclasses of the network, the letters and the optimizer of a stored run.

    Args:
        kind: kind of the network.
        source: name of the source of letters.
        optimizer: name of the optimizer; any unknown name stands for an optimizer of PyTorch.

    Raises:
        KeyError: there is no such kind of network, or no such source.
    """
    models = {entry.schema().kind: entry.schema for entry in MODELS.values()}
    return models[kind], DATA[source].schema, OPTIMIZERS.get(optimizer, OPTIMIZERS["torch"]).schema


def _find_by_schema(group: Mapping[str, Entry[Schema]], schema: type) -> Entry[Schema]:
    """Return the first choice with this config dataclass.

    Raises:
        UserError: there is none, or choices with the same dataclass have different code.
    """
    found = {name: entry for name, entry in group.items() if entry.schema is schema}
    if not found:
        raise UserError(f"{schema.__name__} belongs to no choice: add a choice with it to letterocr.compose.registry.")
    if len({(entry.target, entry.engine) for entry in found.values()}) > 1:
        raise UserError(
            f"{schema.__name__} belongs to {', '.join(found)}, which have different code: "
            "give a choice with code of its own a config dataclass of its own."
        )
    return next(iter(found.values()))
