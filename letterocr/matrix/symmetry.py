"""The symmetry of a hidden layer (28, mended): other weights that give the same outputs.

For V [H, H'] of full row rank, V^+ = V^T (V V^T)^-1 has V V^+ = I, and so

    W_q <- W_q V,    W_h <- V^+ W_h,    b_h <- V^+ b_h

leave W_q (W_h a + b_h) as it is. With s between the layers this is exact where s is linear. The linear part of the
sigmoid is s(x) = s(0) + x / (4 T), and W_q V multiplies s(0) = 1/2 too, so that b_q must change as well:

    b_q <- b_q + s(0) W_q (1 - V 1)

What remains is the curvature of s, which falls as 1 / T^2 relative to the linear part. Only a permutation is exact at
every temperature.

Shapes: C classes; W_h [H, 900], b_h [H], W_q [C, H], b_q [C]; letters A [900, n].
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class HiddenLayer:
    """The two weight matrices of a three-layer network and their biases, float64 (14; Fig. 6).

    Attributes:
        W_h: [H, 900].
        b_h: [H].
        W_q: [C, H].
        b_q: [C].
    """

    W_h: Tensor
    b_h: Tensor
    W_q: Tensor
    b_q: Tensor

    def outputs(self, A: Tensor, temperature: float | None = None) -> Tensor:
        """The outputs q~ = W_q s(W_h A + b_h 1^T) + b_q 1^T, before the last s.

        Args:
            A: [900, n], the letters.
            temperature: T in s(x) = 1/(1 + exp(-x/T)) (15); None: s is the identity.

        Returns:
            [C, n] float64.
        """
        x = self.W_h @ A.double() + self.b_h[:, None]
        h = x if temperature is None else torch.sigmoid(x / temperature)
        return self.W_q @ h + self.b_q[:, None]


def transform(layer: HiddenLayer, V: Tensor, centre: float = 0.0) -> HiddenLayer:
    """The layer with W_q V, V^+ W_h and V^+ b_h in place of W_q, W_h and b_h (28, mended).

    Args:
        layer: H hidden units.
        V: [H, H'] of full row rank.
        centre: s(0): 0 where s is the identity, 1/2 for the sigmoid.

    Returns:
        A layer of H' hidden units.

    Raises:
        ValueError: V does not have full row rank.

    Example:
        >>> one = torch.ones(1, 1, dtype=torch.float64)
        >>> layer = HiddenLayer(W_h=3 * one, b_h=one[0], W_q=2 * one, b_q=one[0])
        >>> changed = transform(layer, 4 * one)
        >>> print(f"{changed.W_q[0, 0]:.3f} {changed.W_h[0, 0]:.3f}")
        8.000 0.750
        >>> print(f"{layer.outputs(one)[0, 0]:.3f} {changed.outputs(one)[0, 0]:.3f}")  # W_q (W_h + b_h) + b_q
        9.000 9.000
    """
    V = V.double()
    if int(torch.linalg.matrix_rank(V)) < V.shape[0]:
        raise ValueError(f"V of {V.shape[0]} by {V.shape[1]} has not full row rank: V V^T has no inverse in (28).")
    back = torch.linalg.pinv(V)  # V^T (V V^T)^-1
    b_q = layer.b_q + centre * (layer.W_q @ (1 - V.sum(1)))
    return HiddenLayer(back @ layer.W_h, back @ layer.b_h, layer.W_q @ V, b_q)


def relative_change(before: Tensor, after: Tensor) -> float:
    """The relative change |q' - q| / |q - its mean over the letters|; 1 is as large as all differences between letters.

    Args:
        before: q [C, n].
        after: q' [C, n].
    """
    return float((after - before).norm() / (before - before.mean(1, keepdim=True)).norm())


def measure_changes(
    layer: HiddenLayer, V: Tensor, A: Tensor, temperatures: Iterable[float], with_bias: bool = True
) -> dict[float, float]:
    """Measure how much the transformation changes the outputs through the sigmoid, with the same weights at each T.

    Args:
        layer: H hidden units.
        V: [H, H'] of full row rank.
        A: [900, n], the letters.
        temperatures: T in (15).
        with_bias: whether b_q is changed too; if not, s(0) alone changes the outputs.

    Returns:
        The relative change of the outputs at each temperature.
    """
    changed = transform(layer, V, 0.5 if with_bias else 0.0)
    return {t: relative_change(layer.outputs(A, t), changed.outputs(A, t)) for t in temperatures}
