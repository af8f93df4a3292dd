"""The forward and backward pass of a batch of samples, as an optimizer gets it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from letterocr.config.rule import Rule


@dataclass(frozen=True)
class Batch:
    """The forward and backward pass of the N samples of one update.

    Attributes:
        activations: L + 1 tensors [N, width], the pixels first and the outputs q last.
        errors: L error vectors v [N, out], by the run's rule.
        targets: the correct outputs c [N, classes].
        rule: the rule of the error vectors.
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
