"""The plain engine: one sample after another, one replica after another, obviously right.

Shapes: a [1, 900] the sample, c [1, 26] its correct output, X [T, 900] the test letters,
x [T, out] the test letters' first pre-activations W_1 X + b_1, which follow every update at its rank's cost.
"""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.data.letters import Split
from letterocr.engine.records import Records, Schedule, one_hot
from letterocr.network import Network
from letterocr.optim.update import Optimizer, Update
from letterocr.order import Order
from letterocr.rules import error_vectors, loss

REFRESH = 4096  # samples after which x is computed anew, so that rounding can't add up


class ReferenceEngine:
    """Trains each replica by itself and keeps its test error after every sample.

    Args:
        network: R networks; changed in place.
        optimizers: one a replica.
        orders: one a replica.
        split: training and test letters.
        schedule: when the test error is measured.
        rule: printed, eq18 or gradient.
        loss_factor: f in the loss f |q - c|^2.
    """

    name = "reference"

    def __init__(
        self,
        network: Network,
        optimizers: list[Optimizer],
        orders: list[Order],
        split: Split,
        schedule: Schedule,
        rule: str,
        loss_factor: float,
    ) -> None:
        self.network, self.optimizers, self.orders = network, optimizers, orders
        self.schedule, self.rule, self.loss_factor = schedule, rule, loss_factor
        like = network.weights[0]
        self.images = split.train.images.to(like)
        self.labels = split.train.labels.to(like.device)
        self.targets = one_hot(self.labels, like)
        self.test_images = split.test.images.to(like)
        self.test_labels = split.test.labels.to(like.device)
        self.sample = 0
        self.test_first = [self._fresh(r) for r in range(network.replicas)]

    def _fresh(self, r: int) -> Tensor:
        return self.network.replica(r).preactivation(0, self.test_images)

    def test_outputs(self, r: int) -> Tensor:
        """The outputs [T, 26] of replica r for the test letters."""
        network = self.network.replica(r)
        first = self.test_first[r] if self.schedule.follows else self._fresh(r)
        return network.forward_from(1, [self.test_images, network.s(first)])[-1]

    def test_error(self) -> Tensor:
        """The fraction of test letters misread by each replica now: [R]."""
        return torch.stack([self._misread(r) for r in range(self.network.replicas)]).double() / len(self.test_labels)

    def _misread(self, r: int) -> Tensor:
        return (self.test_outputs(r).argmax(-1) != self.test_labels).sum()

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
            updates = self.optimizers[r].step(v, activations[:-1])
            self._apply(r, network, updates, self.sample + i + 1)
            if self.schedule.due(self.sample + i + 1):
                misread[i] = self._misread(r)
        return losses, wrong, misread / len(self.test_labels)

    def _apply(self, r: int, network: Network, updates: list[Update], sample: int) -> None:
        for update, weight, bias in zip(updates, network.weights, network.biases, strict=True):
            update.apply(weight, bias)
        if not self.schedule.follows:
            return
        if sample % REFRESH == 0:
            self.test_first[r] = self._fresh(r)
        else:
            updates[0].follow(self.test_first[r], self.test_images, network.biases[0] is not None)

    def state(self) -> dict[str, Tensor]:
        """Every tensor that a resumed run needs to go on with the same bits."""
        state = self.network.state()
        for r, optimizer in enumerate(self.optimizers):
            state |= {f"optimizer.{r}.{name}": tensor for name, tensor in optimizer.state().items()}
            if self.schedule.follows:
                state[f"test_first.{r}"] = self.test_first[r]
        return state

    @torch.no_grad()
    def load_state(self, sample: int, state: dict[str, Tensor]) -> None:
        """Take up a checkpoint at that many samples learned."""
        self.sample = sample
        self.network.load_state(state)
        for r, optimizer in enumerate(self.optimizers):
            prefix = f"optimizer.{r}."
            optimizer.load_state({n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)})
            if self.schedule.follows:
                self.test_first[r].copy_(state[f"test_first.{r}"])
