"""The condition number of the letters behind a hidden layer: how the sigmoid raises their rank.

A linear layer can't raise the rank of [A; 1^T] (27). H = s(W_h A + b_h 1^T) can: where the pre-activations reach the
curved part of s, new directions appear. The output layer has a bias, so that what counts is [H; 1^T], or, whatever the
scale, H less its mean letter: rank [H; 1^T] = 1 + rank of the centred H.

The weights stay the same while T varies, as in (15). The weights of networks of `models.chain` are proportional to T:
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
    """Singular values, condition numbers and effective ranks of one layer's activations of the letters.

    Attributes:
        temperature: T of the sigmoid; None: the pixels themselves.
        values: [min(m + 1, n)], singular values of [A; 1^T] or [H; 1^T].
        condition: the largest of them divided by the smallest.
        ranks: effective ranks of the same matrix.
        centred_values: singular values of the matrix less its mean letter.
        centred_condition: the largest of these divided by the smallest, without the one that centring makes 0.
        centred_ranks: effective ranks of the matrix less its mean letter, which is what tells the letters apart.
    """

    temperature: float | None
    values: Tensor
    condition: float
    ranks: EffectiveRanks
    centred_values: Tensor
    centred_condition: float
    centred_ranks: EffectiveRanks


def measure_conditioning(A: Tensor, temperature: float | None = None) -> Conditioning:
    """Measure the conditioning of activations.

    Args:
        A: [m, n], activations behind a sigmoid, or pixels.
        temperature: T of the sigmoid; None: pixels. It is only stored in the result.
    """
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
    """The hidden activations H = s(W_h A + b_h 1^T) (15, 16).

    Args:
        A: [900, n], the letters.
        W_h: [H, 900].
        b_h: [H].
        temperature: T of the sigmoid; None: s is the identity.

    Returns:
        [H, n] float64.

    Example:
        >>> W_h, b_h = torch.tensor([[1.0, -2.0]]), torch.tensor([1.0])
        >>> hidden_activations(torch.tensor([[3.0], [2.0]]), W_h, b_h, temperature=150.0).tolist()  # s(0)
        [[0.5]]
    """
    x = W_h.double() @ A.double() + b_h.double()[:, None]
    return x if temperature is None else torch.sigmoid(x / temperature)


def measure_through_hidden_layer(
    A: Tensor, W_h: Tensor, b_h: Tensor, temperatures: Iterable[float]
) -> list[Conditioning]:
    """Measure the conditioning of the letters behind the same hidden layer at each temperature.

    Args:
        A: [900, n], the letters.
        W_h: [H, 900].
        b_h: [H].
        temperatures: T of the sigmoid.
    """
    return [measure_conditioning(hidden_activations(A, W_h, b_h, t), t) for t in temperatures]
