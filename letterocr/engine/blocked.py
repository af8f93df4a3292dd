"""Exact blocked engine: per-sample training at the speed of matrix products.

For a block of samples the first layer's pre-activations are one product with the weights at the block's start,
corrected sample by sample with the block's Gram matrix; one more product brings the weights up to date. The
numbers are those of separate updates up to rounding. Pixels without ink in any training letter are left out of both
products: their weights learn nothing. `stack` has the equations, `loops` the loop that Numba compiles on the CPU.

Shapes: A [n, 900] the block's samples, G = A A^T + 1 [n, n] their Gram matrix, X [T, 900] the test letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from letterocr.data.order import Order
from letterocr.engine.engine import REFRESH, Engine
from letterocr.engine.follower import Follower
from letterocr.engine.inked_letters import InkedLetters, put_ink_first
from letterocr.engine.momentum import Momentum, MomentumOptimizer, make_tables
from letterocr.engine.records import Records
from letterocr.engine.stack import Stack, StackParts
from letterocr.engine.task import TrainingTask
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import Optimizer

if TYPE_CHECKING:
    from letterocr.engine.compiled import CompiledStack


def choose_block(matrices: int, device: torch.device) -> int:
    """Return the samples in a block: large ones have fast products, but corrections that grow with the square.

    Args:
        matrices: number of weight matrices.
        device: device of the network.
    """
    return 128 if device.type == "cuda" or matrices <= 2 else 48


class BlockedEngine(Engine):
    """Trains in blocks; takes optimizers whose steps are sums of outer products (`form = "scalars"`).

    Args:
        task: a task with one sample in an update; `block` samples in a block, 0: chosen by network and device.
        together: whether all replicas share one stack, as on a GPU, or have one each, as on the CPU; None: by device.

    Raises:
        TypeError: an optimizer takes other steps.
    """

    name = "blocked"

    def __init__(self, task: TrainingTask, together: bool | None = None) -> None:
        super().__init__(task)
        device = self.images.device
        self._block = task.block or choose_block(len(self.network.weights), device)
        self._descents = [_require_momentum(optimizer) for optimizer in task.optimizers]
        replicas = range(self.network.replicas)
        self.together = device.type == "cuda" if together is None else together
        self.groups = [list(replicas)] if self.together else [[r] for r in replicas]
        self.swaps, self.ink = put_ink_first(self.images)
        self.inked = self.images[:, self.swaps[: self.ink]]
        self.test_inked = self.test_images[:, self.swaps]
        self._swapped_test = self._select_swapped()
        with torch.no_grad():
            parts = [self._collect_parts(group) for group in self.groups]
            self._swap([p.momentum.weights[0] for p in parts if p.momentum.weights])
            self._stacks, self._followers = self._make_stacks(parts)
            self._swap([p.momentum.weights[0] for p in parts if p.momentum.weights])
        self.pool = ThreadPoolExecutor(torch.get_num_threads()) if len(self.groups) > 1 else None

    @property
    def block(self) -> int:
        """The number of samples in a block."""
        return self._block

    @property
    def certified(self) -> bool:
        """Whether test letters whose class is proved are not evaluated."""
        return any(follower.certified for follower in self.followers)

    @property
    def stacks(self) -> Sequence[Stack]:
        """The stacks: one for all replicas together, or one for each replica."""
        return self._stacks

    @property
    def followers(self) -> Sequence[Follower]:
        """The test letters of each stack; empty where the test letters do not take every update."""
        return self._followers

    def _select_swapped(self) -> InkedLetters:
        """Return the test letters' inked pixels in the swapped order of columns, in two parts.

        The pixels that have ink in a training letter come first; the few that have ink only in test letters come
        second, because their weights may decay.
        """
        late = torch.nonzero((self.test_inked[:, self.ink :] != 0).any(0)).flatten() + self.ink
        parts: list[tuple[slice | Tensor, Tensor]] = [(slice(self.ink), self.test_inked[:, : self.ink])]
        return InkedLetters([*parts, (late, self.test_inked[:, late])] if len(late) else parts)

    def _collect_parts(self, group: list[int]) -> StackParts:
        network = self.network if self.together else self.network.replica(group[0])
        return StackParts(network, self._share_momentum(group), self.rule, self.loss_factor, self._block, self.ink)

    def _share_momentum(self, group: list[int]) -> Momentum:
        """Return the momentum of a group: the optimizer's own tensors, or common ones that all optimizers view."""
        optimizers = [self._descents[r] for r in group]
        first = optimizers[0]
        weights, biases = first.weights, first.biases
        if self.together:
            weights = [torch.stack(m) for m in zip(*(o.weights for o in optimizers), strict=True)]
            biases = [torch.stack(m) for m in zip(*(o.biases for o in optimizers), strict=True)]
            for r, optimizer in enumerate(optimizers):
                optimizer.weights, optimizer.biases = [m[r] for m in weights], [m[r] for m in biases]
        return Momentum(weights, biases, first.momentum, first.weight_decay)

    def _make_stacks(self, parts: list[StackParts]) -> tuple[Sequence[Stack], Sequence[Follower]]:
        """Return the stack of every group, and its test letters where they take every update."""
        device, matrices, test = self.images.device, len(self.network.weights), (self.test_inked, self.test_labels)
        follows = self.evaluation.follows
        if device.type == "cpu" and not self.together:
            from letterocr.engine import compiled

            if matrices <= compiled.MOST_MATRICES:
                # without test letters the replicas' stacks learn at the same time, with one thread each
                threads = torch.get_num_threads() if len(parts) == 1 or follows else 1
                fast = [compiled.CompiledStack(p, threads) for p in parts]
                return fast, [self._make_follower(stack, threads) for stack in fast] if follows else []
        if device.type == "cuda":
            from letterocr.engine.graphed import GraphedFollower, GraphedStack

            if not follows:
                return [GraphedStack(p) for p in parts], []
            return (stacks := [Stack(p) for p in parts]), [GraphedFollower(stack, *test) for stack in stacks]
        stacks = [Stack(p) for p in parts]
        return stacks, [Follower(stack, *test) for stack in stacks] if follows else []

    def _make_follower(self, stack: CompiledStack, threads: int) -> Follower:
        """The test letters beside a compiled stack."""
        from letterocr.engine import compiled
        from letterocr.engine.certificate_arrays import MOST_CLASSES
        from letterocr.engine.certified_follower import CertifiedFollower
        from letterocr.engine.one_matrix_follower import OneMatrixFollower
        from letterocr.engine.three_matrix_follower import ThreeMatrixFollower

        weights = self.network.weights
        if len(weights) == 1:
            return OneMatrixFollower(stack, self.test_inked, self.test_labels, threads)
        if self._task.certified and len(weights) == 2 and weights[-1].shape[-2] <= MOST_CLASSES:
            return CertifiedFollower(stack, self.test_inked, self.test_labels, threads)
        plain = not (stack.momentum.mu or stack.momentum.decay)
        if self._task.certified and len(weights) == 3 and plain and stack.settings.hidden_slope:
            return ThreeMatrixFollower(stack, self.test_inked, self.test_labels)
        return compiled.CompiledFollower(stack, self.test_inked, self.test_labels)

    @torch.no_grad()
    def advance(self, count: int) -> Records:
        """Learn the next `count` samples with every replica, block by block, and return what was recorded."""
        end, parts = self.sample + count, []
        late = [stack.momentum.weights[0] for stack in self.stacks if stack.momentum.weights]
        self._swap(late)
        while self.sample < end:
            parts.append(self._learn_block(self._find_stop(end)))
        self._swap(late)
        columns = (torch.cat(c, -1).reshape(-1, count).mT.cpu().numpy() for c in zip(*parts, strict=True))
        return Records(*columns)

    def _swap(self, momentum: list[Tensor]) -> None:
        """Move the first layer's columns of inked pixels to the front, or back: swapping twice changes nothing."""
        for weight in [self.network.weights[0], *momentum]:
            for matrix in weight if weight.dim() == 3 else [weight]:
                for rows in matrix.split(256):  # few rows at a time: no second matrix
                    rows.copy_(rows[:, self.swaps])

    def _find_stop(self, end: int) -> int:
        """Return where the next block ends: at a multiple of the block size, at a refresh, or at a measurement."""
        stop = min(end, self.sample - self.sample % self._block + self._block)
        stop = min(stop, self.sample - self.sample % REFRESH + REFRESH)
        if self.followers:
            return stop
        due = np.flatnonzero(self.evaluation.due_in(self.sample + 1, stop))
        return self.sample + 1 + int(due[0]) if len(due) else stop

    def _learn_block(self, stop: int) -> tuple[Tensor, Tensor, Tensor]:
        """Learn up to sample `stop`; return losses, whether misread, and test errors, [R, n] each."""
        first, n = self.sample, stop - self.sample
        self._begin(first, n)
        errors = self.images.new_full((self.network.replicas, n), torch.nan, dtype=torch.float64)
        due = np.flatnonzero(self.evaluation.due_in(first + 1, stop + 1)).tolist()
        if self.followers:
            for follower, group in zip(self.followers, self.groups, strict=True):
                self._learn_and_measure(follower, group, due, errors)
            for stack in self.stacks:
                stack.end()
            if stop % REFRESH == 0:
                for follower in self.followers:
                    follower.refresh()
        elif self.pool:
            list(self.pool.map(lambda stack: self._learn_whole(stack, n), self.stacks))
        else:
            self._learn_whole(self.stacks[0], n)
        if due and not self.followers:
            errors[:, -1] = self._measure()
        self._sample = stop
        losses = torch.cat([stack.losses[..., :n].reshape(-1, n) for stack in self.stacks])
        wrong = torch.cat([stack.wrong[..., :n].reshape(-1, n) for stack in self.stacks])
        return losses, wrong, errors

    def _learn_whole(self, stack: Stack, n: int) -> None:
        stack.learn(0, n)
        stack.end()

    def _learn_and_measure(self, follower: Follower, group: list[int], due: list[int], errors: Tensor) -> None:
        counts = follower.learn_and_measure(due)
        if due:
            errors[group[0] : group[-1] + 1, due] = counts.reshape(len(group), -1).double() / len(self.test_labels)

    def _measure(self) -> Tensor:
        """Return the test error of each replica while the columns are swapped: [R] float64."""
        networks = [stack.network for stack in self.stacks]
        counts = self.pool.map(self._count_misread, networks) if self.pool else map(self._count_misread, networks)
        return torch.cat([count.reshape(-1) for count in counts]).double() / len(self.test_labels)

    @torch.no_grad()
    def _count_misread(self, network: Network) -> Tensor:
        return (self._read(network, self._swapped_test).argmax(-1) != self.test_labels).sum(-1)

    def _begin(self, first: int, n: int) -> None:
        """Start the block in every stack; replicas with the same order share the samples and the Gram matrix."""
        shared: dict[tuple[str, int], tuple[Tensor, ...]] = {}
        for g, (stack, group) in enumerate(zip(self.stacks, self.groups, strict=True)):
            parts = [self._take_samples(self.orders[r], first, n, shared) for r in group]
            scalars = [self._make_tables(r, first, n) for r in group]
            if self.together:
                (a, gram, targets, *test), rates = (
                    [torch.stack(x) for x in zip(*columns, strict=True)] for columns in (parts, scalars)
                )
            else:
                (a, gram, targets, *test), rates = parts[0], list(scalars[0])
            stack.begin(a, gram, targets, rates)
            if self.followers:
                self.followers[g].begin(test[0])

    def _take_samples(
        self, order: Order, first: int, n: int, shared: dict[tuple[str, int], tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        """Return the samples' pixels A, A A^T + 1, targets, and A X^T + 1 where the test letters take every update."""
        key = (order.kind, order.seed)
        if key not in shared:
            places = order.indices(first, n).to(self.images.device)
            a, bias = self.inked[places], float(self.network.biases[0] is not None)
            test = (a @ self.test_inked[:, : self.ink].mT + bias,) if self.followers else ()
            shared[key] = (a, a @ a.mT + bias, self.targets[places], *test)
        return shared[key]

    def _make_tables(self, r: int, first: int, n: int) -> tuple[Tensor, ...]:
        """Return the learning rates of replica r, and the scalars of its recurrence."""
        optimizer = self._descents[r]
        rates = optimizer.rate.at(first, n)
        arrays = (rates, *make_tables(rates, optimizer.momentum, optimizer.weight_decay))
        return tuple(torch.from_numpy(np.ascontiguousarray(x)).to(self.images) for x in arrays)

    def cached_tensors(self) -> dict[str, Tensor]:
        """Return the test letters' first pre-activations and their momentum by name, where they take every update."""
        return {
            f"{name}.{g}": tensor
            for g, follower in enumerate(self.followers)
            for name, tensor in follower.cached_tensors().items()
        }

    def select_cached(self, own: slice) -> dict[str, Tensor]:
        """Return the cached pre-activations of some replicas, by the names that an engine of these alone would give."""
        if not self.together:
            return super().select_cached(own)
        return {name: tensor[own] for name, tensor in self.cached_tensors().items()}


def _require_momentum(optimizer: Optimizer) -> MomentumOptimizer:
    if optimizer.form != "scalars" or not isinstance(optimizer, MomentumOptimizer):
        raise TypeError(f"BlockedEngine takes optimizers of the form scalars, not {type(optimizer).__name__}.")
    return optimizer
