"""The architecture of the learned optimizers' recurrent networks (Andrychowicz et al. 2016)."""

from __future__ import annotations

import math
from dataclasses import dataclass

UNITS = 20  # units of each layer


@dataclass(frozen=True)
class RecurrentNetwork:
    """An LSTM with 20 units in each layer and a linear head, the same network for every coordinate.

    Attributes:
        features: number of inputs for each coordinate.
        outputs: number of outputs for each coordinate.
        layers: number of LSTM layers, one above the other.
    """

    features: int
    outputs: int
    layers: int

    def list_shapes(self, prefix: str = "") -> dict[str, tuple[int, ...]]:
        """List the shape of each parameter by its name.

        Args:
            prefix: text put before each name.
        """
        named: dict[str, tuple[int, ...]] = {}
        for k in range(self.layers):
            named[f"{prefix}lstm.{k}.input"] = (4 * UNITS, UNITS if k else self.features)
            named[f"{prefix}lstm.{k}.hidden"] = (4 * UNITS, UNITS)
            named[f"{prefix}lstm.{k}.bias"] = (4 * UNITS, 1)
        return named | {f"{prefix}head.weight": (self.outputs, UNITS), f"{prefix}head.bias": (self.outputs, 1)}

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one pass for one coordinate: the number of entries of its matrices."""
        return sum(math.prod(shape) for name, shape in self.list_shapes().items() if not name.endswith("bias"))
