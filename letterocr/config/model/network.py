"""Fields and checks common to the configs of all networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from letterocr.config.option import option
from letterocr.config.refusal import refuse

if TYPE_CHECKING:
    from letterocr.config.train import TrainConfig


@dataclass
class NetworkConfig:
    """The fields common to all networks. Each kind of network is a subclass with a constant `kind`.

    Attributes:
        is_chain: whether the network is a chain of weight matrices, which the matrix view and its bounds need.
    """

    name: str = option("", "name of the network: any text", verbatim=True)
    hidden: list[int] = option([], "widths of the hidden layers; empty for the two-layer network", low=1)
    activation: str = option("sigmoid", "the function s after every weight matrix", choices=("sigmoid", "linear"))
    temperature: Any = option(1.0, "T in s(x) = 1/(1+exp(-x/T)) (15); a list gives each replica its own", above=0)
    bias: bool = option(True, "whether each weight matrix has a bias (12, 14)")
    init_scale: Any = option(3.0, "initial weights are normal with standard deviation init_scale*T/sqrt(inputs)", low=0)
    init_bias: str = option("zero", "initial biases: zero, or random like the weights", choices=("zero", "random"))
    kind: str = option("", "kind of network, which the choice of model= decides")

    is_chain: ClassVar[bool] = False

    @property
    def is_quadratic(self) -> bool:
        """Whether the loss is quadratic in the weights, as for the linear two-layer network (2, 12)."""
        return self.activation == "linear" and not self.hidden

    def validate(self, run: TrainConfig) -> None:
        """Refuse a run that the network can't do.

        Args:
            run: the config of the run.

        Raises:
            UserError: names the field, its value and the mend.
        """
        if self.is_chain:
            return
        if run.learning_rate == "auto":
            refuse("learning_rate", "auto", f"model={self.kind} is not a chain of weight matrices; give a number")
        for name in ("diagnostics", "snapshots"):
            if getattr(run, name) != "none":
                reason = f"model={self.kind} is not a chain of weight matrices; take {name}=none"
                refuse(name, getattr(run, name), reason)


def imply_kind(name: str) -> str:
    """Return the kind of a network that was stored before the field `kind` existed; its name implies the kind."""
    return "spectral" if name == "spectral" else "chain"
