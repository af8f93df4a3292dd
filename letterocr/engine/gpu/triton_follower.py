"""The test letters beside a Triton stack: they are judged after each group of samples, on a second stream.

Shapes: as in `follower` and `letter_kernels`, with the replica dimension R.
"""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.engine.follower import Follower
from letterocr.engine.gpu import letter_kernels
from letterocr.engine.gpu.launch_plan import (
    LETTER_CHUNK,
    LETTER_TILE,
    LETTER_WARPS,
    count_multiprocessors,
    plan_letters,
)
from letterocr.engine.gpu.streams import SideStream
from letterocr.engine.gpu.triton_stack import TritonStack

SLOTS = 2  # copies of the last matrix: the next group is learned while the letters of the one before are judged


class TritonFollower(Follower):
    """The test letters of R networks with one or two weight matrices.

    Args:
        stack: the stack whose updates they take.
        images: [T, 900], the pixels in the order of the stack's weights.
        labels: [T], their classes.

    Attributes:
        counts: [R, block] the misread letters.
    """

    stack: TritonStack

    def __init__(self, stack: TritonStack, images: Tensor, labels: Tensor) -> None:
        super().__init__(stack, images, labels)
        device, count = images.device, len(images)
        self.counts = torch.zeros(stack.replicas, stack.block, dtype=torch.int32, device=device)
        self._truth = labels.to(torch.int32)
        self._numbers = stack.numbers
        self._momentum = {name: stack.flags[name] for name in ("MOMENTUM", "DECAY")}
        self._side = SideStream(device)
        if stack.matrices == 2:
            units = self.z.shape[-1]
            splits, self._width = plan_letters(stack.replicas, units, count, count_multiprocessors(device))
            out, last = stack.output_errors.shape[-1], stack.network.weights[-1]
            self._parts = self.z.new_zeros(stack.replicas, splits, stack.group, count, out)
            self._weights = [torch.empty_like(last, memory_format=torch.contiguous_format) for _ in range(SLOTS)]
            self._late = [torch.empty_like(w) if stack.momentum.mu else stack.none for w in self._weights]

    def _make_hidden(self) -> Tensor:
        return self.z  # the activations stay in registers

    def learn_and_count(self, due: Tensor) -> None:
        """Let the stack learn its block, and count the misread letters; no value comes back to the host.

        Args:
            due: [block] int8, whether the letters are counted after each sample of the block.
        """
        stack, n = self.stack, self.stack.n
        self.counts.zero_()
        for place, first in enumerate(range(0, n, stack.group)):
            stop, slot = min(first + stack.group, n), place % SLOTS
            if stack.matrices == 2:
                self._side.wait_until_free(slot)
                self._weights[slot].copy_(stack.network.weights[-1])
                if stack.momentum.mu:
                    self._late[slot].copy_(stack.momentum.weights[-1])
            stack.learn(first, stop)
            with self._side.work(slot):
                self._count(first, stop, due, slot)
        self._side.join()

    def _count(self, first: int, stop: int, due: Tensor, slot: int) -> None:
        if self.stack.matrices == 1:
            self._count_one(first, stop, due)
        else:
            self._count_two(first, stop, due, slot)

    def _count_one(self, first: int, stop: int, due: Tensor) -> None:
        stack, z = self.stack, self.z
        y = z if self.y is None else self.y
        letter_kernels.count_one_matrix[(-(-z.shape[1] // LETTER_TILE), stack.replicas)](
            z, y, self.gram, stack.errors[0], stack.rates, self._numbers, due, self._truth, self.counts,
            stack.block, first, stop, z.shape[1], z.shape[2], BT=LETTER_TILE, OUT=stack.output_errors.shape[-1],
            **self._momentum, num_warps=4,
        )  # fmt: skip

    def _count_two(self, first: int, stop: int, due: Tensor, slot: int) -> None:
        stack, z, parts = self.stack, self.z, self._parts
        y, out, letters = z if self.y is None else self.y, parts.shape[-1], z.shape[1]
        splits, tiles = parts.shape[1], -(-letters // LETTER_TILE)
        letter_kernels.follow_two_matrices[(tiles, splits, stack.replicas)](
            z, y, self.gram, stack.errors[0], stack.hidden[0], stack.output_errors, self._weights[slot],
            self._late[slot], stack.rates, self._numbers, due, parts, stack.block, first, stop, letters,
            z.shape[2], stack.classes, self._width, BT=LETTER_TILE, C=LETTER_CHUNK, OUT=out, PRECISION="tf32x3",
            SIGMOID=stack.flags["SIGMOID"], **self._momentum, num_warps=LETTER_WARPS,
        )  # fmt: skip
        letter_kernels.count_two_matrices[(tiles, stop - first, stack.replicas)](
            parts, stack.last_biases, due, self._truth, self.counts, stack.block, first, stop, letters,
            stack.classes, splits, BT=LETTER_TILE, OUT=out, num_warps=4,
        )  # fmt: skip
