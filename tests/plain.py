"""A small network in plain NumPy, one sample at a time, that slow references of optimizers are written with.

Shapes: P names "weight.k" and "bias.k" of the parameters; J[name] [26, *shape] the derivatives of the outputs.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from letterocr.models.chain import Network

Arrays = dict[str, np.ndarray]


class Plain:
    """Copies of a network's parameters, and its outputs and their derivatives (16-18)."""

    def __init__(self, network: Network) -> None:
        self.layers = len(network.weights)
        self.parameters: Arrays = {name: tensor.numpy().copy() for name, tensor in network.state().items()}
        self.temperature = None if network.temperature is None else network.temperature.item()

    def activations(self, a: np.ndarray) -> list[np.ndarray]:
        h = [a]
        for k in range(self.layers):
            x = self.parameters[f"weight.{k}"] @ h[-1] + self.parameters.get(f"bias.{k}", 0.0)
            h.append(x if self.temperature is None else 1 / (1 + np.exp(-x / self.temperature)))
        return h

    def slope(self, h: np.ndarray) -> np.ndarray:
        return np.ones_like(h) if self.temperature is None else h * (1 - h) / self.temperature

    def jacobian(self, a: np.ndarray) -> tuple[np.ndarray, Arrays]:
        """The outputs q and J, each output sent back by itself."""
        h = self.activations(a)
        v = np.diag(self.slope(h[-1]))
        jacobian: Arrays = {}
        for k in reversed(range(self.layers)):
            jacobian[f"weight.{k}"] = np.einsum("qo,i->qoi", v, h[k])
            jacobian[f"bias.{k}"] = v
            v = v @ self.parameters[f"weight.{k}"] * self.slope(h[k])
        return h[-1], {name: jacobian[name] for name in self.parameters}

    def gradient(self, images: np.ndarray, targets: np.ndarray, factor: float) -> Arrays:
        """The gradient of the mean loss (f/N) sum |q - c|^2."""
        total = {name: np.zeros_like(w) for name, w in self.parameters.items()}
        for a, c in zip(images, targets, strict=True):
            q, jacobian = self.jacobian(a)
            for name, j in jacobian.items():
                total[name] += 2 * factor / len(images) * np.tensordot(q - c, j, 1)
        return total

    def gauss_newton(self, images: np.ndarray, factor: float, direction: Arrays) -> Arrays:
        """(2f/N) sum J^T J times the direction, from the whole J."""
        total = {name: np.zeros_like(w) for name, w in self.parameters.items()}
        for a in images:
            _, jacobian = self.jacobian(a)
            change = sum(np.tensordot(j, direction[name], j.ndim - 1) for name, j in jacobian.items())
            for name, j in jacobian.items():
                total[name] += 2 * factor / len(images) * np.tensordot(change, j, 1)
        return total


def as_numpy(tensors: dict[str, Tensor]) -> Arrays:
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def assert_close(got: Arrays, right: Arrays, tolerance: float = 1e-9) -> None:
    """Each array as a whole to the relative tolerance: rounding of sums in another order."""
    assert got.keys() == right.keys()
    for name, array in right.items():
        np.testing.assert_allclose(got[name], array, rtol=0, atol=tolerance * np.abs(array).max(), err_msg=name)
