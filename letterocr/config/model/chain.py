"""The schema of `conf/model/two_layer.yaml`, `three_layer.yaml` and `four_layer.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from letterocr.config.model.network import NetworkConfig
from letterocr.config.option import option
from letterocr.config.refusal import refuse

if TYPE_CHECKING:
    from letterocr.config.train import TrainConfig


@dataclass
class ChainConfig(NetworkConfig):
    """A chain of weight matrices with s(x) = 1 / (1 + exp(-x/T)) between them (15, 16)."""

    name: str = option(
        "three_layer", "name of the network: any text; two_layer only if there are no hidden layers", verbatim=True
    )
    hidden: list[int] = option([1800], "widths of the hidden layers; empty for the two-layer network", low=1)
    kind: str = option("chain", "kind of network, which the choice of model= decides", choices=("chain",))

    is_chain: ClassVar[bool] = True

    def validate(self, run: TrainConfig) -> None:
        """Refuse the name two_layer for a network with hidden layers, and any run that the network can't do.

        Args:
            run: the config of the run.

        Raises:
            UserError: names the field, its value and the mend.
        """
        super().validate(run)
        if self.name == "two_layer" and self.hidden:
            refuse("model.hidden", self.hidden, "the two-layer network has no hidden layer; take model=three_layer")
