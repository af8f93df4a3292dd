"""What the sigmoid of a hidden layer does to the conditioning of the letters: the rank that non-linearity buys.

A linear layer can't raise the rank of [A; 1^T] (27). H = s(W_h A + b_h 1^T) can: where the pre-activations reach the
bent part of s, new directions appear. The output layer has a bias, so that what counts is [H; 1^T], or, free of scale,
H less its mean letter: rank [H; 1^T] = 1 + rank of the centred H.

The weights stay the same while T varies, as in (15). Networks of `models.chain` have weights in proportion to T:
their H is the same at every temperature.

Shapes: A [900, n], W_h [H, 900], b_h [H], H [H, n].
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from letterocr.matrix.letter_matrix import with_ones
from letterocr.matrix.spectrum import EffectiveRanks, effective_ranks, singular_values, subtract_mean


@dataclass(frozen=True)
class Conditioning:
    """The letters as one layer shows them to the next.

    Attributes:
        temperature: T of the sigmoid; None: the pixels themselves.
        values: [min(m + 1, n)], singular values of [A; 1^T] or [H; 1^T].
        condition: the largest of them over the smallest.
        ranks: effective ranks of the same matrix.
        centred_values: singular values without the mean letter.
        centred_condition: the largest of them over the smallest but the one that is 0 since the mean is away.
        centred_ranks: effective ranks without the mean letter: what tells the letters apart.
    """

    temperature: float | None
    values: Tensor
    condition: float
    ranks: EffectiveRanks
    centred_values: Tensor
    centred_condition: float
    centred_ranks: EffectiveRanks


def measure_conditioning(A: Tensor, temperature: float | None = None) -> Conditioning:
    """The conditioning of activations A [m, n], which come from a sigmoid of this temperature, or are pixels."""
    extended, rest = with_ones(A.double()), subtract_mean(A.double())
    values, differences = singular_values(extended), singular_values(rest)
    last = min(A.shape[0], A.shape[1] - 1) - 1
    return Conditioning(
        temperature,
        values,
        float(values[0] / values[-1]),
        effective_ranks(extended),
        differences,
        float(differences[0] / differences[last]),
        effective_ranks(rest),
    )


def hidden_activations(A: Tensor, W_h: Tensor, b_h: Tensor, temperature: float | None) -> Tensor:
    """H = s(W_h A + b_h 1^T) (15, 16): [H, n]; s is the identity where the temperature is None."""
    x = W_h.double() @ A.double() + b_h.double()[:, None]
    return x if temperature is None else torch.sigmoid(x / temperature)


def measure_through_hidden_layer(
    A: Tensor, W_h: Tensor, b_h: Tensor, temperatures: Iterable[float]
) -> list[Conditioning]:
    """The conditioning of the letters A [900, n] behind the same hidden layer at each temperature."""
    return [measure_conditioning(hidden_activations(A, W_h, b_h, t), t) for t in temperatures]
