"""Schema of `conf/`: the config of one run, with every field and its meaning."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from letterocr.config.data import SourceConfig, SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.model.network import NetworkConfig
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.option import option
from letterocr.config.rule import RULES


@dataclass
class TrainConfig:
    """Config of one run of `letterocr train`."""

    model: NetworkConfig = option(ChainConfig, "the network and its fields")
    data: SourceConfig = option(SyntheticConfig, "the source of the letters and its fields")
    optimizer: MethodConfig = option(VanillaConfig, "the optimizer and its fields")
    rule: str = option(
        "gradient",
        "error vectors: as printed (19), with the derivative only in the hidden layers (18), or the true gradient",
        choices=RULES,
    )
    learning_rate: Any = option(
        0.05,
        "alpha in (6, 20); a list gives one to each replica; auto takes the bound of this network, rule and letters",
        words=("auto",),
        low=0,
    )
    schedule: str = option(
        "constant",
        "how alpha changes: not at all, to 0 linearly or along a cosine, or as 1/(1 + 9 i/samples)",
        choices=("constant", "linear", "cosine", "inverse"),
    )
    loss_factor: float = option(0.5, "factor of |q-c|^2 in the loss: 1 as in (4), 1/2 as (20) implies", low=0)
    samples: int = option(20_000, "training samples to learn", low=0)
    batch: str = option("1", "samples in one update, which takes the mean over them; all: every training letter")
    order: str = option(
        "shuffled",
        "order of the samples: shuffled in each epoch, drawn with replacement, or always as stored",
        choices=("shuffled", "replacement", "cyclic"),
    )
    replicas: int = option(1, "networks trained side by side, each with its own random streams", low=1)
    evaluate_every: str = option("1", "samples between two measurements of the test error, or log for log-spaced ones")
    seed: int = option(0, "seed of weights, sample order and every other random stream of the run", low=0)
    dtype: str = option("float32", "number format of weights and activations", choices=("float32", "float64"))
    device: str = option(
        "auto", "where to compute; auto takes a GPU where it is faster (docs/gpu.md)", choices=("auto", "cpu", "cuda")
    )
    engine: str = option(
        "auto",
        "reference is plain; blocked is fast and exact up to rounding; auto takes blocked if the optimizer allows it",
        choices=("auto", "reference", "blocked"),
    )
    block: int = option(0, "samples in one block; 0: chosen by network size and device", low=0)
    evaluation: str = option(
        "certified",
        "test error: full evaluates every letter, certified those whose class is not proved; the counts are the same",
        choices=("certified", "full"),
        runtime=True,
    )
    threads: int = option(0, "CPU threads; 0: as many as there are cores", low=0, runtime=True)
    output: str = option("outputs", "folder that holds the run folders", runtime=True, verbatim=True)
    resume: str = option(
        "false", "true: continue this run where it stopped; or a run folder to continue", runtime=True, verbatim=True
    )
    force: bool = option(False, "train again although the run exists already", runtime=True)
    on_failure: str = option(
        "continue",
        "what a sweep does when a run fails: continue with the others, or stop, so that no further run begins",
        choices=("continue", "stop"),
        runtime=True,
    )
    checkpoint_seconds: float = option(30.0, "seconds between two checkpoints", low=0, runtime=True)
    diagnostics: str = option(
        "none",
        "what else to measure; rank: ranks of weights, updates and activations, angles, largest curvature",
        choices=("none", "rank"),
        runtime=True,
    )
    snapshots: str = option(
        "none",
        "log: keep at log-spaced samples what the weights learned and how letters are read; the page plays it back",
        choices=("none", "log"),
        runtime=True,
    )
    tensorboard: bool = option(True, "write TensorBoard events into the run folder", runtime=True)
    page: bool = option(False, "write the page of the run, page.html, into the run folder at its end", runtime=True)


def list_runtime_fields() -> set[str]:
    """Return the names of the fields that can't change the result of a run."""
    return {f.name for f in fields(TrainConfig) if f.metadata["runtime"]}


def per_replica(value: Any, replicas: int) -> list[float]:
    """Return the value of each replica: a number is the same for all, a list has one value for each.

    Example:
        >>> per_replica(0.1, 2), per_replica([0.1, 0.2], 2)
        ([0.1, 0.1], [0.1, 0.2])
    """
    return [float(v) for v in value] if isinstance(value, list | tuple) else [float(value)] * replicas
