"""The blocked engine on a GPU: all replicas together, a block's sequential part in Triton kernels.

The samples, learning rates and measurements of a whole stretch go to the GPU at once, and its records come back at
once; between them nothing waits for the host. Blocks of few networks are replayed as CUDA graphs, because launching
their kernels takes longer than running them.

Shapes: R replicas, n samples in a block, T test letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from letterocr.engine.blocked import BlockedEngine
from letterocr.engine.engine import REFRESH
from letterocr.engine.follower import Follower
from letterocr.engine.gpu.deferred_follower import DeferredFollower
from letterocr.engine.gpu.launch_plan import MANY, choose_gpu_block
from letterocr.engine.gpu.streams import Replayed
from letterocr.engine.gpu.table_kernel import make_tables_together
from letterocr.engine.gpu.triton_follower import TritonFollower
from letterocr.engine.gpu.triton_stack import TritonStack
from letterocr.engine.records import Records
from letterocr.engine.stack import Stack, StackParts
from letterocr.engine.task import TrainingTask

SWAPPED = 64  # networks whose columns are moved at a time, so that no second weight matrix is made for all


@contextmanager
def multiply_in_float32() -> Iterator[None]:
    """Keep PyTorch from TF32 inside the block, whatever the caller has chosen: TF32 miscounts letters."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


class GpuEngine(BlockedEngine):
    """Trains R networks together with the kernels of this folder.

    Args:
        task: a task with one sample in an update, one to three weight matrices and optimizers of the form `scalars`.
    """

    name = "blocked with Triton"
    _stack: TritonStack
    _follower: TritonFollower | None

    def __init__(self, task: TrainingTask) -> None:
        network = task.network
        block = task.block or choose_gpu_block(len(network.weights), network.replicas)
        super().__init__(replace(task, block=block), together=True)
        device, replicas = self.images.device, self.network.replicas
        captures = device.type == "cuda" and replicas < MANY
        self._block_work = Replayed(lambda: self._launch_block(self._block), captures)
        self._places = torch.zeros(replicas, self._block, dtype=torch.long, device=device)
        self._rates = torch.zeros(replicas, self._block, dtype=torch.float64, device=device)
        descent = self._descents[0]
        self._step_settings = self._rates.new_tensor([descent.momentum, descent.weight_decay])
        self._due = torch.zeros(self._block, dtype=torch.int8, device=device)
        self._coming: tuple[Tensor, ...] = ()  # places, rates and whether measured, of all samples of a stretch
        self._first = 0  # samples learned before the stretch

    def _make_stacks(self, parts: list[StackParts]) -> tuple[Sequence[Stack], Sequence[Follower]]:
        self._stack, self._follower = TritonStack(parts[0]), None
        if self.evaluation.follows:
            kind = DeferredFollower if self._stack.matrices == 3 else TritonFollower
            self._follower = kind(self._stack, self.test_inked, self.test_labels)
        return [self._stack], [] if self._follower is None else [self._follower]

    @torch.no_grad()
    def advance(self, count: int) -> Records:
        """Learn the next `count` samples with every replica, block by block, and return what was recorded."""
        self._first, device = self.sample, self.images.device
        places = torch.stack([order.indices(self.sample, count) for order in self.orders])
        rates = np.stack([descent.rate.at(self.sample, count) for descent in self._descents])
        due = self.evaluation.due_in(self.sample + 1, self.sample + count + 1).astype(np.int8)
        self._coming = places.to(device), torch.from_numpy(rates).to(device), torch.from_numpy(due).to(device)
        with multiply_in_float32():
            return super().advance(count)

    @cached_property
    def _moved(self) -> Tensor:
        """The columns of the first layer that `_swap` moves."""
        return torch.nonzero(self.swaps != torch.arange(len(self.swaps), device=self.swaps.device)).flatten()

    def _swap(self, momentum: list[Tensor]) -> None:
        """Move the first layer's columns of inked pixels to the front, or back; only the columns that change place."""
        for weight in [self.network.weights[0], *momentum]:
            for part in weight.split(SWAPPED):
                part[..., self._moved] = part[..., self.swaps[self._moved]]

    def _learn_block(self, stop: int) -> tuple[Tensor, Tensor, Tensor]:
        n, stretch = stop - self.sample, slice(self.sample - self._first, stop - self._first)
        for target, source in zip((self._places, self._rates, self._due), self._coming, strict=True):
            target[..., :n] = source[..., stretch]
        if n == self._block:
            self._block_work.run()
        else:
            self._launch_block(n)
        errors = self.images.new_full((self.network.replicas, n), torch.nan, dtype=torch.float64)
        if self._follower is not None:
            counted = self._follower.counts[:, :n].double() / len(self.test_labels)
            errors = torch.where(self._due[:n] != 0, counted, errors)
            if stop % REFRESH == 0:
                self._follower.refresh()
        elif self.evaluation.due_in(stop, stop + 1)[0]:
            errors[:, -1] = self._measure()
        self._sample = stop
        return self._stack.losses[:, :n].clone(), self._stack.wrong[:, :n].clone(), errors

    def _launch_block(self, n: int) -> None:
        """Learn and judge the block whose samples and learning rates are on the GPU, without a value for the host."""
        stack, follower, places = self._stack, self._follower, self._places[:, :n]
        bias, rates = float(self.network.biases[0] is not None), self._rates[:, :n].contiguous()
        a = self.inked[places]
        tables = make_tables_together(rates, self._step_settings)
        stack.begin(a, a @ a.mT + bias, self.targets[places], [x.to(a) for x in (rates, *tables)])
        if follower is None:
            stack.learn(0, n)
        else:
            follower.begin(a @ self.test_inked[:, : self.ink].mT + bias)
            follower.learn_and_count(self._due)
        stack.end()
