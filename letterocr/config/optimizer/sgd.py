"""The schema of `conf/optimizer/sgd.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.option import option


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
