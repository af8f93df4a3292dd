"""The schema of `conf/optimizer/asgd.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.option import option


@dataclass
class AsgdConfig:
    """Averaged stochastic gradient descent (Bottou 2010); the averaged weights are tested."""

    name: str = option("asgd", "the optimizer", choices=("asgd",))
    start: float = option(0.5, "the part of the run after which the average begins; in [0, 1)", low=0, below=1)
