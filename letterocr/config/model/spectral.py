"""The schema of `conf/model/spectral.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from letterocr.config.model.network import NetworkConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.option import option
from letterocr.config.refusal import refuse
from letterocr.config.rule import find_rule

if TYPE_CHECKING:
    from letterocr.config.train import TrainConfig


@dataclass
class SpectralConfig(NetworkConfig):
    """The spectral network: covariance pooling of filtered patches, a matrix logarithm and a weight matrix."""

    name: str = option("spectral", "name of the network: any text", verbatim=True)
    hidden: list[int] = option([20], "one number: the number of filters", low=1)
    init_scale: Any = option(0.1, "initial last weights: standard deviation init_scale*T/sqrt(inputs)", low=0)
    kind: str = option("spectral", "kind of network, which the choice of model= decides", choices=("spectral",))

    def validate(self, run: TrainConfig) -> None:
        """Refuse a run that the network can't do: the gradient of its filters is not an outer product.

        Args:
            run: the config of the run.

        Raises:
            UserError: names the field, its value and the mend.
        """
        super().validate(run)
        if len(self.hidden) != 1:
            refuse("model.hidden", self.hidden, "model=spectral takes one number, the number of its filters")
        if not find_rule(run.rule).is_gradient:
            refuse("rule", run.rule, "model=spectral works with the true gradient only; take rule=gradient")
        if run.batch != "1":
            refuse("batch", run.batch, "model=spectral learns one sample at a time; take batch=1")
        if run.engine == "blocked":
            refuse("engine", "blocked", "the updates of model=spectral are not outer products; take engine=auto")
        if not isinstance(run.optimizer, VanillaConfig):
            refuse("optimizer", run.optimizer.name, "model=spectral takes plain descent only; take optimizer=vanilla")
        for name in ("momentum", "weight_decay"):
            value = getattr(run.optimizer, name)
            if value:
                refuse(f"optimizer.{name}", value, "model=spectral takes plain descent only; set it to 0")
