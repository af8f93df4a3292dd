"""A network's matrices seen while it trains: ranks, the printed rule beside the gradient, the largest curvature.

Ranks are `spectrum.stable_rank` and, as effective rank, `spectrum.entropy_rank`.
For one sample the printed update of a layer is v_p h^T, the gradient v_g h^T with the same h, so that

    <v_p h^T, v_g h^T> = (v_p . v_g) |h|^2

and angles and norms of whole updates are made of products of short vectors; |h|^2 + 1 counts the bias too.
The largest eigenvalue lambda of the Hessian of the mean loss bounds the learning rate of full-batch descent by
2/lambda (LeCun, Kanter, Solla 1991). Lanczos's three-term recurrence (1950) finds it from products with the Hessian.

Shapes: one network without the replica dimension, L weight matrices; a [N, 900] letters, c [N, 26] their correct
outputs, v [N, out], h [N, in]; sigma [k]; P weights and biases in all.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from letterocr.matrix.spectrum import entropy_rank, stable_rank
from letterocr.network import Network
from letterocr.optim.curvature import Dense, hessian
from letterocr.optim.update import Batch
from letterocr.rules import error_vectors

LEADING = 5  # singular values told
Figures = dict[str, float]


def singular_values(X: Tensor) -> Tensor:
    """The singular values of X [m, n], the largest first, from the Gram matrix of its shorter side in float64: [k].

    They are exact to about 1e-8 times the largest: enough for ranks, in a fraction of the time. NaN where X is not
    finite.
    """
    X = X.double()
    if not X.isfinite().all():  # eigvalsh would raise
        return X.new_full((min(X.shape),), torch.nan)
    gram = X @ X.mT if X.shape[0] < X.shape[1] else X.mT @ X
    return torch.linalg.eigvalsh(gram).clamp(min=0).sqrt().flip(0)


def rank_figures(sigma: Tensor) -> Figures:
    """Stable rank, effective rank and the leading singular values; the ranks of a zero matrix are 0."""
    figures = {"stable_rank": stable_rank(sigma), "effective_rank": entropy_rank(sigma)}
    return figures | {f"singular_value_{i + 1}": float(sigma[i]) for i in range(min(LEADING, len(sigma)))}


def spectra(network: Network, initial: Network, letters: Tensor) -> Figures:
    """Ranks of each W, of W - W_initial, and of the hidden activations of the letters a [N, 900].

    Activations are taken less their mean over the letters, which a bias could supply.
    """
    hidden = network.forward(letters)[1:-1]
    matrices = {f"weight_{k + 1}": w for k, w in enumerate(network.weights)}
    matrices |= {f"hidden_{k + 1}": h - h.mean(0) for k, h in enumerate(hidden)}
    found = {name: singular_values(X) for name, X in matrices.items()}
    for k, (now, then) in enumerate(zip(network.weights, initial.weights, strict=True)):
        found[f"update_{k + 1}"] = singular_values(now - then)
    return {f"{name}/{figure}": x for name, sigma in found.items() for figure, x in rank_figures(sigma).items()}


def printed_beside_gradient(network: Network, a: Tensor, c: Tensor, loss_factor: float) -> Figures:
    """Angle in degrees between the printed update and the gradient, and |printed| / |gradient|: medians over letters.

    Of every layer, and of all layers together. NaN where a gradient is 0 for most letters.
    """
    activations = network.forward(a)
    printed, gradient = (error_vectors(network, activations, c, rule, loss_factor) for rule in ("printed", "gradient"))
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


def hessian_product(network: Network, a: Tensor, c: Tensor, loss_factor: float) -> Callable[[Tensor], Tensor]:
    """The map from x [P] to H x [P], H the Hessian of the mean loss; weights first, then biases."""
    activations = network.forward(a)
    errors = error_vectors(network, activations, c, "gradient", loss_factor)
    batch = Batch(activations, errors, c, "gradient", loss_factor)
    state = network.state()
    sizes = [t.numel() for t in state.values()]

    def product(x: Tensor) -> Tensor:
        parts = {name: part.view_as(state[name]) for name, part in zip(state, x.split(sizes), strict=True)}
        direction = [Dense(parts[f"weight.{k}"], parts.get(f"bias.{k}")) for k in range(len(network.weights))]
        curved = hessian(network, batch, direction)
        rows = [d.bias for d, b in zip(curved, network.biases, strict=True) if b is not None and d.bias is not None]
        return torch.cat([d.dense().flatten() for d in curved] + rows)

    return product


def largest_eigenvalue(
    product: Callable[[Tensor], Tensor], start: Tensor, tolerance: float = 1e-3, most: int = 60
) -> float:
    """The largest eigenvalue of a symmetric matrix from its products with vectors (Lanczos 1950).

    Args:
        product: x [P] to H x [P].
        start: any vector [P] that is not orthogonal to the eigenvector.
        tolerance: of the residual, relative to the eigenvalue.
        most: products at most.

    Returns:
        The eigenvalue; NaN where a product is not finite.
    """
    q, before, beta = start / start.norm(), torch.zeros_like(start), 0.0
    diagonal: list[float] = []
    beside: list[float] = []
    theta = 0.0
    for _ in range(min(most, len(start))):
        w = product(q) - beta * before
        diagonal.append(float(w @ q))
        w -= diagonal[-1] * q
        beta = float(w.norm())
        if not math.isfinite(beta):
            return math.nan
        T = torch.tensor(diagonal, dtype=torch.float64).diag()
        T += torch.tensor(beside, dtype=torch.float64).diag(1) + torch.tensor(beside, dtype=torch.float64).diag(-1)
        values, vectors = torch.linalg.eigh(T)
        theta = float(values[-1])
        if beta * abs(float(vectors[-1, -1])) <= tolerance * abs(theta):
            break
        beside.append(beta)
        before, q = q, w / beta
    return theta
