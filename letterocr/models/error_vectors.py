"""The error vectors v of every layer, by the three rules of the paper (17-19).

For one sample the update of each weight matrix is the outer product of its error vector v with its
inputs h (20). The rules differ only in where the derivative s' stands:

    rule       output layer                  hidden layer k
    printed    q - c                         W_{k+1}^T v_{k+1}              (19, shapes mended)
    eq18       q - c                         W_{k+1}^T v_{k+1} . s'(h~_k)   (18)
    gradient   (q - c) . s'(q~)              W_{k+1}^T v_{k+1} . s'(h~_k)   the gradient of |q - c|^2 / 2

Shapes: q, c [..., N, classes]; v_k [..., N, out_k]; `...` is R, or nothing for one replica alone.
"""

from __future__ import annotations

from torch import Tensor

from letterocr.config.rule import Rule
from letterocr.models.chain import Network


def error_vectors(
    network: Network, activations: list[Tensor], target: Tensor, rule: Rule, loss_factor: float = 0.5
) -> list[Tensor]:
    """The error vector of every weight matrix (Kantack 2020, 17-19).

    Args:
        network: the weights.
        activations: L + 1 tensors [..., N, width], as `network.forward` returns them.
        target: the correct outputs c (3), [..., N, classes].
        rule: where s' stands.
        loss_factor: f in the loss f |q - c|^2; 1/2 as (20) implies, 1 as in (4).

    Returns:
        L tensors v [..., N, out], first weight matrix first.
    """
    return propagate(network, activations, (activations[-1] - target) * (2 * loss_factor), rule)


def propagate(network: Network, activations: list[Tensor], error: Tensor, rule: Rule) -> list[Tensor]:
    """The error vectors of every weight matrix for a given error of the outputs (17-19).

    Args:
        network: the weights.
        activations: L + 1 tensors [..., N, width], as `network.forward` returns them.
        error: [..., N, classes], q - c or any vectors in its place; for one sample (N = 1) there may be several.
        rule: where s' stands.

    Returns:
        L tensors v [..., N, out], first weight matrix first.
    """
    v = error * network.slope(activations[-1]) if rule.output_slope else error
    vectors = [v]
    for k in range(len(network.weights) - 1, 0, -1):
        v = network.back(k, v)
        if rule.hidden_slope:
            v = v * network.slope(activations[k])
        vectors.append(v)
    return vectors[::-1]


def loss(output: Tensor, target: Tensor, loss_factor: float = 0.5) -> Tensor:
    """The loss f |q - c|^2 of each sample (4).

    Args:
        output: q [..., N, classes].
        target: c [..., N, classes].
        loss_factor: f.

    Returns:
        [..., N].

    Example:
        >>> import torch
        >>> loss(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 1.0]])).tolist()  # (9 + 9) / 2
        [9.0]
    """
    return loss_factor * (output - target).square().sum(-1)
