"""What an optimizer sees of N samples: their forward and backward pass."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from letterocr.config.rule import Rule


@dataclass(frozen=True)
class Batch:
    """The forward and backward pass of the N samples that one update learns from.

    Attributes:
        activations: L + 1 tensors [N, width], the pixels first and the outputs q last.
        errors: L error vectors v [N, out], by the run's rule.
        targets: the correct outputs c [N, classes].
        rule: of the errors.
        loss_factor: f in the loss f |q - c|^2.
    """

    activations: list[Tensor]
    errors: list[Tensor]
    targets: Tensor
    rule: Rule
    loss_factor: float

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def inputs(self) -> list[Tensor]:
        """The inputs h [N, in] of every weight matrix."""
        return self.activations[:-1]
