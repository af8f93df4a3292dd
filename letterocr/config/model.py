"""The schema of `conf/model/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from letterocr.config.option import option


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
