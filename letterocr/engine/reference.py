"""Reference engine: plain training, one batch after another, one replica after another.

A batch usually holds one sample. The other engines are tested against this one.

Shapes: a [N, 900] the batch, c [N, classes] its target outputs, X [T, 900] the test letters,
x [T, out] the test letters' first pre-activations W_1 X + b_1, which take every update at the cost of its rank.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from letterocr.engine.engine import REFRESH, Engine
from letterocr.engine.task import TrainingTask
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors, loss
from letterocr.optimizers.optimizer import Update


class ReferenceEngine(Engine):
    """Trains each replica by itself; takes any optimizer.

    Args:
        task: the training task; `batch` samples in an update, and `block` is not used.
    """

    name = "reference"

    def __init__(self, task: TrainingTask) -> None:
        super().__init__(task)
        self._batch = task.batch
        plain = all(o.evaluation_network(self.network) is self.network for o in self.optimizers)
        self._follows = self.evaluation.follows and plain
        self.test_first: list[Tensor | None] = [None] * self.network.replicas  # None: must be computed anew

    @property
    def block(self) -> int:
        """The batch size; a run should not be cut within a batch."""
        return self._batch

    @property
    def follows(self) -> bool:
        """Whether the test letters' first pre-activations take every update."""
        return self._follows

    def _take_first(self, r: int, network: Network) -> Tensor:
        """Return the test letters' first pre-activations, computed anew if none are cached."""
        x = self.test_first[r]
        if x is None:
            x = self.test_first[r] = network.preactivation(0, self.test_images)
        return x

    def _count_misread(self, r: int, network: Network) -> Tensor:
        if self.follows:
            outputs = network.forward_from(1, [network.s(self._take_first(r, network))])[-1]
        else:
            outputs = self._read(self.optimizers[r].evaluation_network(network), self._inked_test)
        return (outputs.argmax(-1) != self.test_labels).sum()

    @torch.no_grad()
    def _advance_replica(self, r: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
        optimizer, due = self.optimizers[r], self.evaluation.due_in(self.sample + 1, self.sample + count + 1)
        places = self.orders[r].indices(self.sample, count).to(self.images.device)
        losses = self.images.new_empty(count)
        wrong = torch.empty(count, dtype=torch.bool, device=self.images.device)
        misread = torch.full((count,), torch.nan, dtype=torch.float64, device=self.images.device)
        for start, stop, network in self._iterate_batches(r, places):
            p = places[start:stop]
            activations, c = network.forward(self.images[p]), self.targets[p]
            losses[start:stop] = loss(activations[-1], c, self.loss_factor)
            wrong[start:stop] = activations[-1].argmax(-1) != self.labels[p]
            v = error_vectors(network, activations, c, self.rule, self.loss_factor)
            first, last = self.sample + start, self.sample + stop
            updates = optimizer.step(first, network, Batch(activations, v, c, self.rule, self.loss_factor))
            self._follow(r, network, updates)
            self._take(r, network, updates)
            self._refresh(r, network, first, last)
            optimizer.after_update(last, network)
            if due[start:stop].any():
                misread[stop - 1] = self._count_misread(r, network)
        return losses, wrong, misread / len(self.test_labels)

    def _iterate_batches(self, r: int, places: Tensor) -> Iterator[tuple[int, int, Network]]:
        """Yield start and stop of the next batches, and the network that learns each.

        Batches begin at multiples of the batch size; the last one may be smaller.
        """
        start = 0
        while start < len(places):
            stop = min(len(places), start + self._batch - (self.sample + start) % self._batch)
            yield start, stop, self.network.replica(r)
            start = stop

    def _take(self, r: int, network: Network, updates: Sequence[Update] | None) -> None:
        """Apply the updates to the weights."""
        if updates is not None:
            for update, weight, bias in zip(updates, network.weights, network.biases, strict=True):
                update.apply(weight, bias)

    def _follow(self, r: int, network: Network, updates: Sequence[Update] | None) -> None:
        """Apply the coming update of the network to the test letters' first pre-activations."""
        if self.follows:
            has_bias = network.biases[0] is not None
            if not updates or not updates[0].follow(self._take_first(r, network), self.test_images, has_bias):
                self.test_first[r] = None

    def _refresh(self, r: int, network: Network, first: int, last: int) -> None:
        if self.test_first[r] is not None and last // REFRESH > first // REFRESH:
            self.test_first[r] = network.preactivation(0, self.test_images)

    def cached_tensors(self) -> dict[str, Tensor]:
        """Return the first pre-activations of the test letters by name, where they take every update."""
        replicas = range(self.network.replicas if self.follows else 0)
        return {f"test_first.{r}": self._take_first(r, self.network.replica(r)) for r in replicas}
