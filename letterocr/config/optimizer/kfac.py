"""The schema of `conf/optimizer/kfac.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from letterocr.config.contender import Contender, SearchRange, make_rate_range
from letterocr.config.network_size import NetworkSize
from letterocr.config.optimizer.method import MethodConfig, require_single
from letterocr.config.option import option

if TYPE_CHECKING:
    from letterocr.config.train import TrainConfig


@dataclass
class KfacConfig(MethodConfig):
    """Online Kronecker factors (Martens, Grosse 2015), whose inverses are kept by low-rank updates."""

    name: str = option("kfac", "the optimizer", choices=("kfac",))
    damping: float = option(10.0, "added to the diagonals of both factors, in units of their mean eigenvalue", above=0)
    prior: float = option(100.0, "number of samples whose damping both factors start with", above=0)

    contenders: ClassVar[dict[str, Contender]] = {
        "kfac": Contender(("optimizer=kfac",), (make_rate_range(1e-3), SearchRange("optimizer.damping", 1.0)))
    }

    def validate(self, run: TrainConfig) -> None:
        """Refuse batches of more than one sample.

        Args:
            run: the config of the run.

        Raises:
            UserError: names the batch and the mend.
        """
        require_single(run, self.name)

    def count_multiply_adds(self, size: NetworkSize) -> float:
        """Count the multiply-adds of descent, P' to send the noise back, and 4 n^2 + 4 m^2 for each matrix.

        4 n^2 are S^-1 h (1), the update of rank two (2) and A^-1 h (1); 4 m^2 are the same for G.
        """
        return size.descent + size.weights_behind + 4 * sum(n * n + m * m for n, m in size.layers)
