"""Products of the curvature with a direction, in factors (Pearlmutter 1994; Schraudolph 2002), and its diagonal.

The loss is the mean over N samples of f |q - c|^2, q the outputs, f the loss factor. R{.} is the derivative along the
direction D_k, d_k of every weight matrix and bias (Pearlmutter's R-operator). In the forward pass it is

    R{x_k} = D_k h_k + d_k + W_k R{h_k},    R{h_k+1} = s'(x_k) . R{x_k},    R{a} = 0

and with v the error vectors of the gradient rule, w.r.t. x_k, the products are, for each sample:

    Hessian           R{v} h^T + v R{h}^T     rank two, one in the first layer, where R{h} = R{a} = 0
    Gauss-Newton      u h^T                   rank one; u are the error vectors for the output error 2f R{q}
    empirical Fisher  (g . D) v h^T           rank one; g . D = sum over layers of v . (D h + d)

In the backward pass (18), where s'' = s' (1 - 2 s)/T, it is

    R{v_k} = (W_k+1^T R{v_k+1} + D_k+1^T v_k+1) . s'(x_k) + v_k . (1 - 2 h_k+1)/T . R{x_k}

with 2f R{q} in place of the first bracket in the last layer. Gauss-Newton leaves out the terms with s'' or D_k+1: it is
never indefinite, and equals the Hessian where the residual q - c is 0. It is also the true Fisher matrix, of the
likelihood exp(-f |q - c|^2): a Gaussian of variance 1/2f for each output (1 for the half-loss). The empirical Fisher
takes the letters' own c in place of c drawn from that Gaussian.

Shapes: N samples; v, x, u [N, out]; h [N, in]; D [out, in], d [out]; the network has no replica dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, cat

from letterocr.config.rule import GRADIENT
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors, propagate


def hessian_product(network: Network, a: Tensor, c: Tensor, loss_factor: float) -> Callable[[Tensor], Tensor]:
    """The map from x to H x, where H is the Hessian of the mean loss.

    Args:
        network: the weights.
        a: [N, 900], the letters.
        c: [N, classes], their correct outputs.
        loss_factor: f.

    Returns:
        A function of x [P], which holds all weights first and then all biases; it returns H x [P].

    Example:
        >>> network = Network([torch.zeros(1, 2)], [None], None)
        >>> product = hessian_product(network, torch.tensor([[1.0, 3.0]]), torch.tensor([[1.0]]), loss_factor=0.5)
        >>> product(torch.tensor([1.0, 0.0])).tolist()  # H = a a^T
        [1.0, 3.0]
    """
    activations = network.forward(a)
    errors = error_vectors(network, activations, c, GRADIENT, loss_factor)
    batch = Batch(activations, errors, c, GRADIENT, loss_factor)
    state = network.state()
    sizes = [t.numel() for t in state.values()]

    def product(x: Tensor) -> Tensor:
        parts = {name: part.view_as(state[name]) for name, part in zip(state, x.split(sizes), strict=True)}
        direction = [Dense(parts[f"weight.{k}"], parts.get(f"bias.{k}")) for k in range(len(network.weights))]
        curved = hessian(network, batch, direction)
        rows = [d.bias for d, b in zip(curved, network.biases, strict=True) if b is not None and d.bias is not None]
        return torch.cat([d.dense().flatten() for d in curved] + rows)

    return product


@dataclass(frozen=True)
class Dense:
    """A direction D, d of one layer as a whole matrix.

    Attributes:
        weight: D [out, in].
        bias: d [out]; None stands for 0. It has no meaning where the network has no bias.
    """

    weight: Tensor
    bias: Tensor | None = None

    def product(self, h: Tensor) -> Tensor:
        """The product D h for each row h of [N, in]: [N, out]."""
        return h @ self.weight.mT

    def back(self, v: Tensor) -> Tensor:
        """The product D^T v for each row v of [N, out]: [N, in]."""
        return v @ self.weight


@dataclass(frozen=True)
class Factors:
    """A direction D = left right, d of one layer in factors of rank r.

    Attributes:
        left: [out, r].
        right: [r, in].
        bias: d [out]. It has no meaning where the network has no bias.
    """

    left: Tensor
    right: Tensor
    bias: Tensor

    def product(self, h: Tensor) -> Tensor:
        """The product D h for each row h of [N, in]: [N, out]."""
        return h @ self.right.mT @ self.left.mT

    def back(self, v: Tensor) -> Tensor:
        """The product D^T v for each row v of [N, out]: [N, in]."""
        return v @ self.left @ self.right

    def dense(self) -> Tensor:
        """The matrix D itself, [out, in]."""
        return self.left @ self.right


Direction = Sequence[Dense | Factors]


def hessian(network: Network, batch: Batch, direction: Direction) -> list[Factors]:
    """The Hessian times a direction, of rank 2N in each layer, N in the first (Pearlmutter 1994).

    Args:
        network: the weights with which the batch was computed.
        batch: by the gradient rule; without hidden layers and sigmoid, all rules are the same.
        direction: one for each weight matrix.

    Raises:
        ValueError: the batch's error vectors are not the gradient's.
    """
    if not batch.rule.is_gradient and network.temperature is not None:
        raise ValueError(f"the Hessian needs the error vectors of rule=gradient, not {batch.rule.name}.")
    v, h = batch.errors, batch.activations
    rx, rh = forward_derivatives(network, batch, direction)
    bracket = 2 * batch.loss_factor * rh[-1]
    products = []
    for k in range(len(v) - 1, -1, -1):
        rv = bracket * network.slope(h[k + 1])
        if network.temperature is not None:
            rv = rv + v[k] * (1 - 2 * h[k + 1]) / network.temperature * rx[k]
        pairs = (cat([rv, v[k]]), cat([h[k], rh[k]])) if k else (rv, h[k])
        products.append(_mean_of_outer(*pairs, rv))
        if k:
            bracket = network.back(k, rv) + direction[k].back(v[k])
    return products[::-1]


def gauss_newton(network: Network, batch: Batch, direction: Direction) -> list[Factors]:
    """The Gauss-Newton matrix, or true Fisher matrix, times a direction; of rank N in each layer (Schraudolph 2002).

    Args:
        network: the weights with which the batch was computed.
        batch: by any rule, as its error vectors are not used.
        direction: one for each weight matrix.
    """
    output_change = forward_derivatives(network, batch, direction)[1][-1]
    vectors = propagate(network, batch.activations, 2 * batch.loss_factor * output_change, GRADIENT)
    return [_mean_of_outer(u, h, u) for u, h in zip(vectors, batch.inputs, strict=True)]


def empirical_fisher(network: Network, batch: Batch, direction: Direction) -> list[Factors]:
    """The empirical Fisher matrix, the mean of g g^T over the samples' gradients g, times a direction.

    It has rank N in each layer and needs no product with a weight matrix.

    Args:
        network: tells which layers have a bias.
        batch: its v h^T count as the gradients; by another rule they give the matrix of that rule's updates.
        direction: one for each weight matrix.
    """
    along = sum(
        (v * _apply_direction(network, k, d, h)).sum(-1, keepdim=True)
        for k, (v, d, h) in enumerate(zip(batch.errors, direction, batch.inputs, strict=True))
    )
    return [_mean_of_outer(v * along, h, v * along) for v, h in zip(batch.errors, batch.inputs, strict=True)]


def gauss_newton_diagonal(network: Network, batch: Batch) -> list[Factors]:
    """The Gauss-Newton matrix's diagonal by second-order backpropagation (LeCun, Bottou, Orr, Müller 1998, section 7).

    The curvature along one pre-activation, s = 2f s'^2 at the outputs, is sent back through squared weights, and the
    curvature along one weight is s h^2:

        s_k = s'(x_k)^2 . (W_k+1 . W_k+1)^T s_k+1

    It is exact for the last two weight matrices. Before them the curvature between two pre-activations of one layer is
    left out; by the signs of the weights it is positive as often as negative.

    Args:
        network: the weights with which the batch was computed, without steps that are still deferred.
        batch: by any rule, as its error vectors are not used.

    Returns:
        The diagonal in factors, the mean over the N samples: one [out, in] and [out] for each weight matrix.
    """
    h = batch.activations
    s = 2 * batch.loss_factor * network.slope(h[-1]).square()
    diagonal = [_mean_of_outer(s, h[-2].square(), s)]
    for k in range(len(network.weights) - 2, -1, -1):
        s = s @ network.weights[k + 1].square() * network.slope(h[k + 1]).square()
        diagonal.append(_mean_of_outer(s, h[k].square(), s))
    return diagonal[::-1]


def forward_derivatives(network: Network, batch: Batch, direction: Direction) -> tuple[list[Tensor], list[Tensor]]:
    """The derivatives R{x} of all pre-activations and R{h} of all activations along a direction (Pearlmutter 1994).

    Args:
        network: the weights with which the batch was computed.
        batch: by any rule, as its error vectors are not used.
        direction: one for each weight matrix.

    Returns:
        L tensors R{x} [N, out], and L + 1 tensors R{h} [N, width].
    """
    h = batch.activations
    rx: list[Tensor] = []
    rh = [h[0].new_zeros(h[0].shape)]
    for k, d in enumerate(direction):
        x = _apply_direction(network, k, d, h[k])
        rx.append(x + network.product(k, rh[k]) if k else x)
        rh.append(rx[k] * network.slope(h[k + 1]))
    return rx, rh


def _apply_direction(network: Network, k: int, d: Dense | Factors, h: Tensor) -> Tensor:
    """Compute D h + d [N, out], which the direction adds to the pre-activations of layer k."""
    x = d.product(h)
    return x if d.bias is None or network.biases[k] is None else x + d.bias


def _mean_of_outer(left: Tensor, right: Tensor, bias: Tensor) -> Factors:
    """Return the sum of the rows' outer products, divided by the N rows of `bias`, in factors."""
    return Factors(left.mT / len(bias), right, bias.mean(0))
