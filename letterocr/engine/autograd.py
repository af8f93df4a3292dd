"""Engine of `model=spectral`: PyTorch's autograd, one sample after another, plain gradient descent (6).

The gradient of the filters is no outer product; it comes through the matrix logarithm (`matrix.backprop`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.engine.engine import Engine
from letterocr.engine.task import TrainingTask
from letterocr.models.error_vectors import loss
from letterocr.models.spectral import SpectralNetwork, covariance


class SpectralEngine(Engine):
    """Trains each replica by itself; takes only `optimizer=vanilla` without momentum and weight decay.

    Args:
        task: a task with a `SpectralNetwork`; `batch` is 1, and `block` is not used.

    Raises:
        TypeError: the network is not a `SpectralNetwork`.
    """

    name = "autograd"

    def __init__(self, task: TrainingTask) -> None:
        super().__init__(task)
        if not isinstance(task.network, SpectralNetwork):
            raise TypeError(f"SpectralEngine trains a SpectralNetwork, not {type(task.network).__name__}.")
        self.test_covariances = covariance(self.test_images)
        self.parts = [task.network.replica(r) for r in range(task.network.replicas)]
        self.leaves = [[t.requires_grad_() for t in part.state().values()] for part in self.parts]

    @torch.no_grad()
    def read(self, r: int, images: Tensor) -> Tensor:
        """Return the outputs [T, classes] of replica r for any letters [T, 900]."""
        return self.parts[r].read(covariance(images))

    @torch.no_grad()
    def test_outputs(self, r: int) -> Tensor:
        """Return the outputs [T, classes] of replica r for the test letters."""
        return self.parts[r].read(self.test_covariances)

    def _advance_replica(self, r: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
        places = self.orders[r].indices(self.sample, count).to(self.images.device)
        rates = self.optimizers[r].rate.at(self.sample, count).tolist()
        due = self.evaluation.due_in(self.sample + 1, self.sample + count + 1)
        losses, wrong = self.images.new_empty(count), torch.empty(count, dtype=torch.bool, device=places.device)
        errors = torch.full((count,), torch.nan, dtype=torch.float64, device=places.device)
        for i in range(count):
            p = places[i : i + 1]
            losses[i], wrong[i] = self._learn(self.parts[r], self.leaves[r], p, rates[i])
            if due[i]:
                errors[i] = (self.test_outputs(r).argmax(-1) != self.test_labels).double().mean()
        return losses, wrong, errors

    def _learn(self, part: SpectralNetwork, leaves: list[Tensor], p: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
        """Learn the letter p [1]; return its loss, and whether it was misread before the update."""
        q = part.read(covariance(self.images[p]))
        value = loss(q, self.targets[p], self.loss_factor)
        gradients = torch.autograd.grad(value.sum(), leaves)
        with torch.no_grad():
            for leaf, gradient in zip(leaves, gradients, strict=True):
                leaf.sub_(gradient, alpha=alpha)
        return value.detach()[0], (q.argmax(-1) != self.labels[p])[0]

    def cached_tensors(self) -> dict[str, Tensor]:
        """Return an empty dictionary: this engine caches no pre-activations."""
        return {}
