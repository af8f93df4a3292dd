"""The exact blocked engine: per-sample training at the speed of matrix products.

For a block of samples the first layer's pre-activations are one product with the weights at the block's start,
corrected sample by sample with the block's Gram matrix; one more product brings the weights up to date. The
numbers are those of separate updates up to rounding. Pixels without ink in any training letter are left out of both
products: their weights learn nothing. `stack` has the equations, `loops` the inner loop that Numba compiles for
networks of one to three weight matrices on the CPU.

Shapes: A [n, 900] the block's samples, G = A A^T + 1 [n, n] their Gram matrix, X [T, 900] the test letters.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from letterocr.engine.engine import REFRESH, Engine
from letterocr.engine.momentum import make_tables
from letterocr.engine.records import Records
from letterocr.engine.stack import Momentum, Stack


def choose_block(matrices: int, device: torch.device) -> int:
    """Samples a block: enough for fast products, few enough that the corrections, quadratic in it, stay small."""
    return 128 if device.type == "cuda" or matrices <= 2 else 48


def put_ink_first(images: Tensor) -> tuple[Tensor, int]:
    """Which pixels to swap so that those with ink in any letter come first, and how many have ink.

    Args:
        images: [N, 900].

    Returns:
        An order [900] of the pixels that is its own inverse, and the number of inked pixels.
    """
    inked = (images != 0).any(0).cpu()
    count, order = int(inked.sum()), torch.arange(len(inked))
    late, free = order[count:][inked[count:]], order[:count][~inked[:count]]
    order[late], order[free] = free, late
    return order.to(images.device), count


class BlockedEngine(Engine):
    """Trains in blocks; takes optimizers that stay factored (`optimizer.factored`).

    Args:
        *arguments: as for `Engine`.
        block: samples a block; 0: chosen by size and device.
        together: whether all replicas are computed in one stack, as on a GPU, or each by itself, as on the CPU.
    """

    name = "blocked"

    def __init__(self, *arguments: Any, block: int = 0, together: bool | None = None) -> None:
        super().__init__(*arguments)
        device, matrices = self.images.device, len(self.network.weights)
        self.block = block or choose_block(matrices, device)
        replicas = range(self.network.replicas)
        self.together = device.type == "cuda" if together is None else together
        self.groups = [list(replicas)] if self.together else [[r] for r in replicas]
        make: Any = Stack
        if device.type == "cpu" and matrices <= 3 and not self.together:
            from letterocr.engine.compiled import CompiledStack

            # without test letters the replicas' stacks learn at the same time, with one thread each
            alone = len(self.groups) == 1 or self.schedule.follows
            make = partial(CompiledStack, threads=torch.get_num_threads() if alone else 1)
        elif device.type == "cuda":
            from letterocr.engine.graphed import GraphedStack

            make = GraphedStack
        self.swaps, self.ink = put_ink_first(self.images)
        self.inked = self.images[:, self.swaps[: self.ink]]
        self.test_inked = self.test_images[:, self.swaps]
        test = self.test_inked if self.schedule.follows else None
        with torch.no_grad():
            self.stacks: list[Stack] = []
            self._swap()
            rest = (self.rule, self.loss_factor, self.block, test, self.ink)
            self.stacks = [make(self._network(group), self._momentum(group), *rest) for group in self.groups]
            self._swap()
        self.pool = ThreadPoolExecutor(torch.get_num_threads()) if len(self.groups) > 1 else None

    def _network(self, group: list[int]) -> Any:
        return self.network if self.together else self.network.replica(group[0])

    def _momentum(self, group: list[int]) -> Momentum:
        """The optimizers' momentum: their own tensors, or views into common ones where a group has more replicas."""
        optimizers: list[Any] = [self.optimizers[r] for r in group]
        first = optimizers[0]
        weights, biases = first.weights, first.biases
        if self.together:
            weights = [torch.stack(m) for m in zip(*(o.weights for o in optimizers), strict=True)]
            biases = [torch.stack(m) for m in zip(*(o.biases for o in optimizers), strict=True)]
            for r, optimizer in enumerate(optimizers):
                optimizer.weights, optimizer.biases = [m[r] for m in weights], [m[r] for m in biases]
        return Momentum(weights, biases, first.momentum, first.weight_decay)

    @torch.no_grad()
    def advance(self, count: int) -> Records:
        """Learn the next `count` samples with every replica, block by block."""
        end, parts = self.sample + count, []
        self._swap()
        while self.sample < end:
            parts.append(self._one_block(self._stop(end)))
        self._swap()
        columns = (torch.cat(c, -1).reshape(-1, count).mT.cpu().numpy() for c in zip(*parts, strict=True))
        return Records(*columns)

    def _swap(self) -> None:
        """Bring the first layer's columns of inked pixels to the front, or back: twice changes nothing."""
        for weight in [self.network.weights[0], *(m for stack in self.stacks for m in stack.momentum.weights[:1])]:
            for matrix in weight if weight.dim() == 3 else [weight]:
                for rows in matrix.split(256):  # few rows at a time: no second matrix
                    rows.copy_(rows[:, self.swaps])

    def _stop(self, end: int) -> int:
        """Where the next block ends: at a multiple of its size, at a refresh, or where the error is measured."""
        stop = min(end, self.sample - self.sample % self.block + self.block)
        stop = min(stop, self.sample - self.sample % REFRESH + REFRESH)
        if self.schedule.follows:
            return stop
        due = np.flatnonzero(self.schedule.due_in(self.sample + 1, stop))
        return self.sample + 1 + int(due[0]) if len(due) else stop

    def _one_block(self, stop: int) -> tuple[Tensor, Tensor, Tensor]:
        """Learn up to `stop`: losses [R, n], whether misread [R, n], test errors [R, n]."""
        first, n = self.sample, stop - self.sample
        self._begin(first, n)
        errors = self.images.new_full((self.network.replicas, n), torch.nan, dtype=torch.float64)
        due = np.flatnonzero(self.schedule.due_in(first + 1, stop + 1)).tolist()
        if self.schedule.follows:
            for stack, group in zip(self.stacks, self.groups, strict=True):
                self._learn_and_measure(stack, group, due, errors)
        elif self.pool:
            list(self.pool.map(lambda stack: stack.learn(0, n), self.stacks))
        else:
            self.stacks[0].learn(0, n)
        for stack in self.stacks:
            stack.end()
        self.sample = stop
        if self.schedule.follows and stop % REFRESH == 0:
            for stack in self.stacks:
                stack.refresh()
        if due and not self.schedule.follows:
            self._swap()
            errors[:, -1] = self.test_error()
            self._swap()
        losses = torch.cat([stack.losses[..., :n].reshape(-1, n) for stack in self.stacks])
        wrong = torch.cat([stack.wrong[..., :n].reshape(-1, n) for stack in self.stacks])
        return losses, wrong, errors

    def _learn_and_measure(self, stack: Stack, group: list[int], due: list[int], errors: Tensor) -> None:
        counts = stack.learn_and_measure(due, self.test_labels)
        if due:
            errors[group[0] : group[-1] + 1, due] = counts.reshape(len(group), -1).double() / len(self.test_labels)

    def _begin(self, first: int, n: int) -> None:
        """Start the block in every stack; replicas with the same order share the samples and Gram matrices."""
        shared: dict[Any, tuple[Tensor, ...]] = {}
        for stack, group in zip(self.stacks, self.groups, strict=True):
            parts = [self._samples(self.orders[r], first, n, shared) for r in group]
            scalars = [self._tables(r, first, n) for r in group]
            if self.together:
                (a, gram, targets, *test), rates = (
                    [torch.stack(x) for x in zip(*columns, strict=True)] for columns in (parts, scalars)
                )
            else:
                (a, gram, targets, *test), rates = parts[0], list(scalars[0])
            stack.begin(a, gram, test[0] if test else None, targets, rates)

    def _samples(self, order: Any, first: int, n: int, shared: dict[Any, tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """The samples' pixels A, Gram matrix A A^T + 1, targets, and A X^T + 1 where the test letters follow."""
        key = (order.kind, order.seed)
        if key not in shared:
            places = order.indices(first, n).to(self.images.device)
            a, bias = self.inked[places], float(self.network.biases[0] is not None)
            test = (a @ self.test_inked[:, : self.ink].mT + bias,) if self.schedule.follows else ()
            shared[key] = (a, a @ a.mT + bias, self.targets[places], *test)
        return shared[key]

    def _tables(self, r: int, first: int, n: int) -> tuple[Tensor, ...]:
        """The rates and the scalars of the recurrence for replica r."""
        optimizer: Any = self.optimizers[r]
        rates = optimizer.rate.at(first, n)
        arrays = (rates, *make_tables(rates, optimizer.momentum, optimizer.weight_decay))
        return tuple(torch.from_numpy(np.ascontiguousarray(x)).to(self.images) for x in arrays)

    def cached_tensors(self) -> dict[str, Tensor]:
        """The test letters' first pre-activations and their momentum, where they follow."""
        kept = {}
        for g, stack in enumerate(self.stacks):
            if stack.test_images is not None:
                kept[f"test_first.{g}"] = stack.z
                if stack.y is not None:
                    kept[f"test_momentum.{g}"] = stack.y
        return kept
