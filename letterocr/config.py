"""The schema of `conf/`: every field with its meaning, and every check that needs no data."""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
import math
import operator
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from letterocr.errors import UserError


def option(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    words: tuple[str, ...] = (),
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    below: float | None = None,
    runtime: bool = False,
):
    """A field with its one-line explanation.

    `choices` are the values that a text may take, `words` what may stand in place of a number; a number is at least
    `low`, greater than `above`, at most `high`, less than `below`. `runtime` marks a field that can't change the
    result, so that it is no part of a run's identity.
    """
    bounds = {"at least": low, "greater than": above, "at most": high, "below": below}
    kept = {name: bound for name, bound in bounds.items() if bound is not None}
    metadata = {"help": help, "choices": choices, "words": words, "bounds": kept, "runtime": runtime}
    if isinstance(default, list | dict):
        return field(default_factory=lambda: copy.copy(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class ModelConfig:
    """The network: a chain of weight matrices with s(x) = 1 / (1 + exp(-x/T)) between them (15, 16)."""

    name: str = option("three_layer", "what the paper calls the network")
    hidden: list[int] = option([1800], "widths of the hidden layers; empty for the two-layer network", low=1)
    activation: str = option("sigmoid", "s after every weight matrix", choices=("sigmoid", "linear"))
    temperature: Any = option(1.0, "T in s(x) = 1/(1+exp(-x/T)) (15); a list gives each replica its own", above=0)
    bias: bool = option(True, "whether each weight matrix has a bias (12, 14)")
    init_scale: Any = option(3.0, "initial weights are normal with deviation init_scale*T/sqrt(inputs)", low=0)
    init_bias: str = option("zero", "initial biases: zero, or random like the weights", choices=("zero", "random"))


@dataclass
class SyntheticConfig:
    """Letters of our own handwriting synthesiser: no download, no font."""

    name: str = option("synthetic", "the source of the letters", choices=("synthetic",))
    train_per_letter: int = option(200, "training letters of each class", low=1)
    test_per_letter: int = option(20, "test letters of each class", low=1)
    repetitions: int = option(1, "how often each writer writes each letter; train and test writers are disjoint", low=1)
    seed: int = option(0, "draws the writers; separate from the run's seed, so that runs share their letters", low=0)


@dataclass
class EmnistConfig:
    """The 26 capital letters of EMNIST's by-class split (Cohen et al. 2017), 28x28 padded to 30x30."""

    name: str = option("emnist", "the source of the letters", choices=("emnist",))
    path: str | None = option(None, "emnist.zip or a folder of idx files; null: the emnist cache, else a download")
    frequencies: str = option(
        "natural", "class frequencies in training: as in the source, or equal", choices=("natural", "balanced")
    )
    train_per_letter: int | None = option(None, "at most this many training letters of each class; null: all", low=1)
    test_per_letter: int = option(20, "test letters of each class, from the official test split", low=1)


@dataclass
class ImagesConfig:
    """Your own pictures: a folder of A/ ... Z/, or an .npz with images, labels and optional writers."""

    name: str = option("images", "the source of the letters", choices=("images",))
    path: str = option("", "the folder or .npz file")
    train_per_letter: int | None = option(None, "at most this many training letters of each class; null: all", low=1)
    test_per_letter: int = option(20, "test letters of each class; from writers of their own if known", low=1)
    seed: int = option(0, "draws the test writers or test letters", low=0)


@dataclass
class TrainConfig:
    """One run of `python -m letterocr.train`."""

    model: ModelConfig = field(default_factory=ModelConfig, metadata={"help": "the network", "runtime": False})
    data: Any = option(None, "synthetic, emnist or images, and its fields")
    optimizer: Any = option(None, "the optimizer and its fields")
    rule: str = option(
        "gradient",
        "error vectors: as printed (19), with the derivative in the hidden layers only (18), or the true gradient",
        choices=("printed", "eq18", "gradient"),
    )
    learning_rate: Any = option(
        0.1,
        "alpha in (6, 20); a list gives each replica its own; auto takes the bound of this network, rule and letters",
        words=("auto",),
        low=0,
    )
    schedule: str = option(
        "constant",
        "how alpha changes: not at all, to 0 linearly or by a cosine, or as 1/(1 + 9 i/samples)",
        choices=("constant", "linear", "cosine", "inverse"),
    )
    loss_factor: float = option(0.5, "factor of |q-c|^2 in the loss: 1 as in (4), 1/2 as (20) implies", low=0)
    samples: int = option(20_000, "training samples to learn", low=0)
    batch: str = option("1", "samples an update, which takes their mean; all: every training letter")
    order: str = option(
        "shuffled",
        "order of the samples: shuffled epochs, drawn with replacement, or cyclic as stored",
        choices=("shuffled", "replacement", "cyclic"),
    )
    replicas: int = option(1, "networks trained side by side, each with its own random streams", low=1)
    evaluate_every: str = option("1", "samples between two measurements of the test error, or log for log-spaced ones")
    seed: int = option(0, "seeds weights, sample order and every other random stream of the run", low=0)
    dtype: str = option("float32", "number format of weights and activations", choices=("float32", "float64"))
    device: str = option("auto", "where to compute; auto takes a GPU if there is one", choices=("auto", "cpu", "cuda"))
    engine: str = option(
        "auto",
        "plain, or exact in blocks of samples and fast; auto takes blocks where the optimizer allows it",
        choices=("auto", "reference", "blocked"),
    )
    block: int = option(0, "samples a block; 0: chosen by size and device", low=0)
    threads: int = option(0, "CPU threads; 0: as many as there are cores", low=0, runtime=True)
    output: str = option("outputs", "folder that holds the run folders", runtime=True)
    resume: str = option("false", "true: go on where this run stopped; or a run folder to go on with", runtime=True)
    force: bool = option(False, "train again although the run folder is already there", runtime=True)
    checkpoint_seconds: float = option(30.0, "seconds between two checkpoints", low=0, runtime=True)
    diagnostics: str = option(
        "none",
        "what to look at during the run: ranks of weights, updates and activations, angles, largest curvature",
        choices=("none", "rank"),
        runtime=True,
    )
    tensorboard: bool = option(True, "write TensorBoard events into the run folder", runtime=True)


PLAIN_DESCENT = ("vanilla", "sgd", "asgd")  # optimizers whose learning rate is alpha in (6, 20)
HOLDS = {"at least": operator.ge, "greater than": operator.gt, "at most": operator.le, "below": operator.lt}


def per_replica(value: Any, replicas: int) -> list[float]:
    """The value for each replica: a number is shared, a list has one each."""
    return [float(v) for v in value] if isinstance(value, list | tuple) else [float(value)] * replicas


def _fail(place: str, value: Any, mend: str) -> None:
    raise UserError(f"{place}={value}: {mend}.")


def _check_field(place: str, value: Any, metadata: Any) -> None:
    if metadata.get("choices") and value not in metadata["choices"]:
        near = difflib.get_close_matches(str(value), metadata["choices"], 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        _fail(place, value, f"must be one of {', '.join(metadata['choices'])}{hint}")
    bounds = metadata.get("bounds")
    if not bounds or (isinstance(value, str) and value in metadata["words"]):
        return
    for number in value if isinstance(value, list | tuple) else [value]:
        if isinstance(number, bool) or not isinstance(number, int | float):
            _fail(place, value, " ".join(["must be a number", *(f"or {word}" for word in metadata["words"])]))
        if not math.isfinite(number) or not all(HOLDS[name](number, bound) for name, bound in bounds.items()):
            _fail(place, value, "must be a finite number " + " and ".join(f"{n} {b:g}" for n, b in bounds.items()))


def check(config: Any, place: str = "") -> None:
    """Check every field of a config that is already of the right types.

    Raises:
        UserError: names the field, its value and what it may be.
    """
    for f in fields(config):
        value = getattr(config, f.name)
        if is_dataclass(value):
            check(value, f"{place}{f.name}.")
        elif value is not None or f.default is not None:  # null only where it is the default
            _check_field(place + f.name, value, f.metadata)
    if isinstance(config, TrainConfig):
        _check_together(config)


def _check_together(config: TrainConfig) -> None:
    """The checks that look at more than one field."""
    for place, value in (
        ("learning_rate", config.learning_rate),
        ("model.temperature", config.model.temperature),
        ("model.init_scale", config.model.init_scale),
    ):
        if isinstance(value, list | tuple) and len(value) != config.replicas:
            _fail(
                place,
                value,
                f"has {len(value)} values for replicas={config.replicas}; give one each, or one for all",
            )
    every = str(config.evaluate_every)
    if every != "log" and not (every.isdecimal() and int(every) > 0):
        _fail("evaluate_every", every, "must be a whole number of samples, at least 1, or log")
    batch = str(config.batch)
    if batch != "all" and not (batch.isdecimal() and int(batch) > 0):
        _fail("batch", batch, "must be a whole number of samples, at least 1, or all")
    if config.learning_rate == "auto":
        _check_auto(config)
    refusal = config.optimizer.refusal(config) if hasattr(config.optimizer, "refusal") else None
    if refusal:
        _fail(*refusal)
    if config.model.name == "two_layer" and config.model.hidden:
        _fail("model.hidden", config.model.hidden, "the two-layer network has no hidden layer; take model=three_layer")
    if config.model.name == "spectral":
        _check_spectral(config)


def _check_spectral(config: TrainConfig) -> None:
    """What the spectral network can't do: its filters' gradient is no outer product."""
    optimizer = config.optimizer
    if len(config.model.hidden) != 1:
        _fail("model.hidden", config.model.hidden, "model=spectral takes one number, that of its filters")
    if config.rule != "gradient":
        _fail("rule", config.rule, "model=spectral has the true gradient only; take rule=gradient")
    if config.batch != "1":
        _fail("batch", config.batch, "model=spectral learns one sample at a time; leave it 1")
    if config.engine == "blocked":
        _fail("engine", "blocked", "model=spectral makes no outer products to keep in blocks; take engine=auto")
    if getattr(optimizer, "name", "vanilla") != "vanilla":
        _fail("optimizer", optimizer.name, "model=spectral takes plain descent only; take optimizer=vanilla")
    if config.diagnostics != "none":
        _fail("diagnostics", config.diagnostics, "model=spectral is no chain of weight matrices; leave it none")
    for name in ("momentum", "weight_decay"):
        if getattr(optimizer, name, 0):
            _fail(f"optimizer.{name}", getattr(optimizer, name), "model=spectral takes plain descent only; leave it 0")


def is_plain_descent(config: TrainConfig) -> bool:
    """Whether each update is -alpha times the rule's direction, so that the matrix view's bounds hold."""
    optimizer = config.optimizer
    altered = getattr(optimizer, "momentum", 0) or getattr(optimizer, "weight_decay", 0)
    return optimizer.name in PLAIN_DESCENT and not altered


def _check_auto(config: TrainConfig) -> None:
    """The bounds are of plain descent in a chain of weight matrices, on a loss that there is."""
    if config.model.name == "spectral":
        _fail("learning_rate", "auto", "model=spectral is no chain of weight matrices; give a number")
    optimizer = config.optimizer.name
    if optimizer not in PLAIN_DESCENT:
        _fail("learning_rate", "auto", f"optimizer={optimizer} has a learning rate of its own meaning; give a number")
    if not is_plain_descent(config):
        mend = "the bound is that of descent without momentum and weight decay; leave them 0, or give a number"
        _fail("learning_rate", "auto", mend)
    if not config.loss_factor:
        _fail("learning_rate", "auto", "loss_factor=0 leaves nothing to learn; give a number")


def plain(config: Any) -> dict[str, Any]:
    """The config as plain dictionaries, as it is stored in the run folder."""
    return asdict(config)


def _number(text: str) -> float:
    """A whole number is the same number with and without a point."""
    number = float(text)
    return int(number) if number.is_integer() else number


def identity(config: TrainConfig) -> str:
    """Twelve hex digits that name the run: a hash of every field that can change the result."""
    kept = plain(config)
    for f in fields(config):
        if f.metadata["runtime"]:
            del kept[f.name]
    if kept["data"].get("path"):
        kept["data"]["path"] = str(Path(kept["data"]["path"]).expanduser().resolve())
    kept = json.loads(json.dumps(kept), parse_float=_number)  # learning_rate=1.0 is learning_rate=1
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:12]
