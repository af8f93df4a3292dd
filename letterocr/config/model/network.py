"""What the configs of all networks have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from letterocr.config.option import option
from letterocr.config.refusal import refuse

if TYPE_CHECKING:
    from letterocr.config.train import TrainConfig


@dataclass
class NetworkConfig:
    """The fields of every network. A kind of network is a class of its own, with a constant `kind`.

    Attributes:
        is_chain: whether the network is a chain of weight matrices, as the matrix view and its bounds need it.
    """

    name: str = option("", "what people call the network: any text")
    hidden: list[int] = option([], "widths of the hidden layers; empty for the two-layer network", low=1)
    activation: str = option("sigmoid", "s after every weight matrix", choices=("sigmoid", "linear"))
    temperature: Any = option(1.0, "T in s(x) = 1/(1+exp(-x/T)) (15); a list gives each replica its own", above=0)
    bias: bool = option(True, "whether each weight matrix has a bias (12, 14)")
    init_scale: Any = option(3.0, "initial weights are normal with deviation init_scale*T/sqrt(inputs)", low=0)
    init_bias: str = option("zero", "initial biases: zero, or random like the weights", choices=("zero", "random"))
    kind: str = option("", "what kind of network it is; the choice of model= decides")

    is_chain: ClassVar[bool] = False

    @property
    def is_quadratic(self) -> bool:
        """Whether the loss is quadratic in the weights: the linear two-layer network (2, 12)."""
        return self.activation == "linear" and not self.hidden

    def validate(self, run: TrainConfig) -> None:
        """Refuse a run that the network can't do.

        Raises:
            UserError: names the field, its value and the mend.
        """
        if self.is_chain:
            return
        if run.learning_rate == "auto":
            refuse("learning_rate", "auto", f"model={self.kind} is no chain of weight matrices; give a number")
        if run.diagnostics != "none":
            refuse("diagnostics", run.diagnostics, f"model={self.kind} is no chain of weight matrices; leave it none")


def imply_kind(name: str) -> str:
    """The kind of a network that was stored before networks had kinds: its name told it."""
    return "spectral" if name == "spectral" else "chain"
