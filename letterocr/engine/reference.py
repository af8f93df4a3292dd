"""The plain engine: one sample after another, one replica after another, obviously right.

Shapes: a [1, 900] the sample, c [1, 26] its correct output, X [T, 900] the test letters,
x [T, out] the test letters' first pre-activations W_1 X + b_1, which follow every update at its rank's cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from letterocr.engine.base import REFRESH, Engine
from letterocr.engine.records import Records
from letterocr.network import Network
from letterocr.optim.update import DenseUpdate, Update
from letterocr.rules import error_vectors, loss


class ReferenceEngine(Engine):
    """Trains each replica by itself; takes any optimizer."""

    name = "reference"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.test_first = [self._fresh(r) for r in range(self.network.replicas)]

    def _fresh(self, r: int) -> Tensor:
        return self.network.replica(r).preactivation(0, self.test_images)

    def _misread(self, r: int) -> Tensor:
        network = self.network.replica(r)
        first = self.test_first[r] if self.schedule.follows else self._fresh(r)
        outputs = network.forward_from(1, [self.test_images, network.s(first)])[-1]
        return (outputs.argmax(-1) != self.test_labels).sum()

    @torch.no_grad()
    def advance(self, count: int) -> Records:
        """Learn the next `count` samples with every replica."""
        columns = [self._advance_replica(r, count) for r in range(self.network.replicas)]
        self.sample += count
        losses, wrong, errors = (torch.stack(c, 1).cpu().numpy() for c in zip(*columns, strict=True))
        return Records(losses, wrong, errors)

    def _advance_replica(self, r: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
        network = self.network.replica(r)
        places = self.orders[r].indices(self.sample, count).to(self.images.device)
        losses = self.images.new_empty(count)
        wrong = torch.empty(count, dtype=torch.bool, device=self.images.device)
        misread = torch.full((count,), torch.nan, dtype=torch.float64, device=self.images.device)
        for i in range(count):
            p = places[i : i + 1]
            activations = network.forward(self.images[p])
            c = self.targets[p]
            losses[i] = loss(activations[-1], c, self.loss_factor)[0]
            wrong[i] = activations[-1].argmax() != self.labels[p[0]]
            v = error_vectors(network, activations, c, self.rule, self.loss_factor)
            updates = self.optimizers[r].step(self.sample + i, network, v, activations[:-1])
            self._apply(r, network, updates, self.sample + i + 1)
            if self.schedule.due(self.sample + i + 1):
                misread[i] = self._misread(r)
        return losses, wrong, misread / len(self.test_labels)

    def _apply(self, r: int, network: Network, updates: Sequence[Update | DenseUpdate], sample: int) -> None:
        for update, weight, bias in zip(updates, network.weights, network.biases, strict=True):
            update.apply(weight, bias)
        if not self.schedule.follows:
            return
        has_bias = network.biases[0] is not None
        if sample % REFRESH == 0 or not updates[0].follow(self.test_first[r], self.test_images, has_bias):
            self.test_first[r] = self._fresh(r)

    def followed(self) -> dict[str, Tensor]:
        """The first pre-activations of the test letters, where they follow."""
        return {f"test_first.{r}": x for r, x in enumerate(self.test_first) if self.schedule.follows}
