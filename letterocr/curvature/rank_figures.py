"""Figures of a network's matrices during training: ranks, and the printed rule compared with the gradient.

Ranks are `singular_values.stable_rank` and, as effective rank, `singular_values.entropy_rank`.
For one sample the printed update of a layer is v_p h^T, the gradient v_g h^T with the same h, so that

    <v_p h^T, v_g h^T> = (v_p . v_g) |h|^2

and angles and norms of whole updates follow from products of short vectors; |h|^2 + 1 includes the bias.
The largest eigenvalue lambda of the Hessian of the mean loss bounds the learning rate of full-batch descent by
2/lambda (LeCun, Kanter, Solla 1991). Lanczos's three-term recurrence (1950) finds it from products with the Hessian.

Shapes: one network without the replica dimension, L weight matrices; a [N, 900] letters, c [N, classes] their correct
outputs, v [N, out], h [N, in]; sigma [k]; P weights and biases in all.
"""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.config.rule import RULES
from letterocr.matrix.spectrum import entropy_rank, stable_rank
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors

LEADING = 5  # singular values that are recorded
Figures = dict[str, float]


def singular_values(X: Tensor) -> Tensor:
    """The singular values of X, from the Gram matrix of its shorter side in float64.

    They are exact to about 1e-8 times the largest, which is enough for ranks, and take a fraction of the time. NaN
    where X is not finite.

    Args:
        X: [m, n].

    Returns:
        [k], k = min(m, n), the largest first.
    """
    X = X.double()
    if not X.isfinite().all():  # eigvalsh would raise
        return X.new_full((min(X.shape),), torch.nan)
    gram = X @ X.mT if X.shape[0] < X.shape[1] else X.mT @ X
    return torch.linalg.eigvalsh(gram).clamp(min=0).sqrt().flip(0)


def rank_figures(sigma: Tensor) -> Figures:
    """The stable rank, the effective rank and the leading singular values; the ranks of a zero matrix are 0.

    Args:
        sigma: [k] singular values, the largest first.

    Example:
        >>> figures = rank_figures(torch.tensor([2.0, 2.0]))
        >>> print(" ".join(f"{name}={x:.3f}" for name, x in figures.items()))
        stable_rank=2.000 effective_rank=2.000 singular_value_1=2.000 singular_value_2=2.000
    """
    figures = {"stable_rank": stable_rank(sigma), "effective_rank": entropy_rank(sigma)}
    return figures | {f"singular_value_{i + 1}": float(sigma[i]) for i in range(min(LEADING, len(sigma)))}


def spectra(network: Network, initial: Network, letters: Tensor) -> Figures:
    """The ranks of each W, of W - W_initial, and of the hidden activations of the letters.

    The mean over the letters is subtracted from the activations, since a bias could supply it.

    Args:
        network: the network now.
        initial: the network at the start of the run.
        letters: a [N, 900].

    Returns:
        Figures by the names `weight_1/stable_rank`, `update_1/...`, `hidden_1/...` and so on.
    """
    hidden = network.forward(letters)[1:-1]
    matrices = {f"weight_{k + 1}": w for k, w in enumerate(network.weights)}
    matrices |= {f"hidden_{k + 1}": h - h.mean(0) for k, h in enumerate(hidden)}
    found = {name: singular_values(X) for name, X in matrices.items()}
    for k, (now, then) in enumerate(zip(network.weights, initial.weights, strict=True)):
        found[f"update_{k + 1}"] = singular_values(now - then)
    return {f"{name}/{figure}": x for name, sigma in found.items() for figure, x in rank_figures(sigma).items()}


def compare_printed_with_gradient(network: Network, a: Tensor, c: Tensor, loss_factor: float) -> Figures:
    """The angle between the printed update and the gradient in degrees, and |printed| / |gradient|, as medians.

    The medians are over the letters, for every layer and for all layers together. They are NaN where a gradient is 0
    for most letters.

    Args:
        network: the weights.
        a: [N, 900].
        c: [N, classes].
        loss_factor: f in the loss f |q - c|^2.
    """
    activations = network.forward(a)
    printed, gradient = (
        error_vectors(network, activations, c, RULES[name], loss_factor) for name in ("printed", "gradient")
    )
    products, total = {}, a.new_zeros(3, len(a), dtype=torch.float64)
    for k, bias in enumerate(network.biases):
        p, g, inputs = printed[k].double(), gradient[k].double(), activations[k].double().square().sum(-1)
        row = torch.stack([(p * g).sum(-1), (p * p).sum(-1), (g * g).sum(-1)]) * (inputs + (bias is not None))
        products[f"printed_{k + 1}"] = row
        total += row
    figures = {}
    for name, (both, pp, gg) in (products | {"printed": total}).items():
        cosine = both / (pp.sqrt() * gg.sqrt())
        figures[f"{name}/angle"] = float(cosine.clamp(-1, 1).acos().rad2deg().nanmedian())
        figures[f"{name}/norm_ratio"] = float(torch.where(gg > 0, (pp / gg).sqrt(), torch.nan).nanmedian())
    return figures
