"""The schema of `conf/optimizer/torch.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from letterocr.config.contender import Contender, SearchRange, make_rate_range
from letterocr.config.network_size import NetworkSize
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.option import option


@dataclass
class TorchConfig(MethodConfig):
    """Any optimizer of torch.optim, chosen by its name, with full gradients."""

    name: str = option("Adam", "name of a class of torch.optim")
    options: dict[str, Any] = option({}, "further arguments of that class, as in optimizer.options={betas:[0.9,0.99]}")

    contenders: ClassVar[dict[str, Contender]] = {
        "adam": Contender(
            ("optimizer=torch", "optimizer.name=Adam", "optimizer.options.betas=[0.9,0.999]"),
            (make_rate_range(1e-5), SearchRange("optimizer.options.betas.0", 0.01, below_one=True)),
        )
    }

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Count, for Adam only, the multiply-adds of descent and 7 P elementwise.

        The 7 are m (1), v (3), the scaling of the root (1), the quotient (1) and the step (1).

        Args:
            size: the network.

        Raises:
            KeyError: it is another optimizer of PyTorch.
        """
        if self.name != "Adam":
            raise KeyError(self.name)
        return size.descent + 7 * size.weights
