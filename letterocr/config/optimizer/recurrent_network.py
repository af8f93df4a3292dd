"""The architecture of the recurrent networks of the learned optimizers (Andrychowicz et al. 2016)."""

from __future__ import annotations

import math
from dataclasses import dataclass

UNITS = 20  # of each layer


@dataclass(frozen=True)
class RecurrentNetwork:
    """An LSTM of 20 units a layer and a linear head, the same for every coordinate.

    Attributes:
        features: how many numbers it reads of a coordinate.
        outputs: how many numbers it makes.
        layers: how many LSTM layers stand on each other.
    """

    features: int
    outputs: int
    layers: int

    def list_shapes(self, prefix: str = "") -> dict[str, tuple[int, ...]]:
        """The shape of each parameter by its name."""
        named: dict[str, tuple[int, ...]] = {}
        for k in range(self.layers):
            named[f"{prefix}lstm.{k}.input"] = (4 * UNITS, UNITS if k else self.features)
            named[f"{prefix}lstm.{k}.hidden"] = (4 * UNITS, UNITS)
            named[f"{prefix}lstm.{k}.bias"] = (4 * UNITS, 1)
        return named | {f"{prefix}head.weight": (self.outputs, UNITS), f"{prefix}head.bias": (self.outputs, 1)}

    @property
    def multiply_adds(self) -> int:
        """Of one pass for one coordinate: as many as its matrices have entries."""
        return sum(math.prod(shape) for name, shape in self.list_shapes().items() if not name.endswith("bias"))
