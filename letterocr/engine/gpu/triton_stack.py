"""Stacks on a GPU: Triton kernels learn one to three weight matrices, all replicas together.

Shapes: as in `stack`, with the replica dimension R.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from letterocr.engine.gpu import learning_kernels, middle_kernels
from letterocr.engine.gpu.launch_plan import CHUNK, GROUP, WARPS, count_multiprocessors, plan_learning, round_up
from letterocr.engine.stack import Stack, StackParts

MIDDLE_ROWS, BACK_COLUMNS, BACK_ROWS = 16, 32, 64  # the parts of the middle matrix that a program takes


class TritonStack(Stack):
    """R networks whose blocks are learned by Triton kernels.

    Args:
        parts: network, momentum and settings; the tensors have the replica dimension.

    Attributes:
        labels: [R, block] the classes of the block's samples.
        output_errors: [R, block, OUT] the error vectors of the outputs; OUT is the classes, padded to a power of two.
        last_biases: [R, block + 1, OUT] the last bias before each sample, and after the last one.
        numbers: [R, 4] as in `kernels.Settings`.
        flags: what the kernels are compiled for.
        none: [R, 1, 1], stands for the momentum and the biases that there are not.
        group: samples of a group.
    """

    def __init__(self, parts: StackParts) -> None:
        super().__init__(parts)
        new, network = parts.network.weights[0].new_zeros, parts.network
        self.matrices, self.replicas = len(network.weights), len(network.weights[0])
        self.classes = network.weights[-1].shape[-2]
        self.group = min(GROUP, round_up(self.block))
        out = round_up(self.classes)
        self.labels = torch.zeros(self.replicas, self.block, dtype=torch.int32, device=self.P.device)
        self.output_errors = new(self.replicas, self.block, out)
        self.last_biases = new(self.replicas, self.block + 1, out)
        self._bias_momentum = torch.zeros_like(self.last_biases)
        self.none = new(self.replicas, 1, 1)
        self.numbers = self._collect_numbers()
        sigmoid = network.temperature is not None
        self.flags: dict[str, Any] = {
            "SIGMOID": sigmoid,
            "OUTPUT_SLOPE": self.rule.output_slope and sigmoid,
            "HIDDEN_SLOPE": self.rule.hidden_slope and sigmoid,
            "MOMENTUM": bool(self.momentum.mu),
            "DECAY": bool(self.momentum.decay),
            "BIAS": bool(self.bias),
        }
        self._processors = count_multiprocessors(self.P.device)
        self.waits = self.P.device.type == "cuda"  # Triton's interpreter runs one program after another
        if self.matrices == 2:
            self.plan = plan_learning(self.replicas, self.P.shape[-1], self._processors)
            self._shared = new(self.replicas, self.block, self.plan.programs, out)
            self._arrived = torch.zeros(self.replicas, dtype=torch.int32, device=self.P.device)
        elif self.matrices == 3:
            self._tiles = -(-self.hidden[1].shape[-1] // MIDDLE_ROWS)
            self._shared = new(self.replicas, round_up(self._tiles), out)
            self._no_bias = new(self.replicas, self.hidden[1].shape[-1])

    def _collect_numbers(self) -> Tensor:
        temperature = self.network.temperature
        numbers = self.P.new_ones(self.replicas, 4)
        if temperature is not None:
            numbers[:, 0] = 1 / temperature.flatten()
        numbers[:, 1:] = self.P.new_tensor([2 * self.loss_factor, self.momentum.mu, self.momentum.decay])
        return numbers

    def begin(self, a: Tensor, gram: Tensor, targets: Tensor, tables: list[Tensor]) -> None:
        """Start a block as `Stack.begin` does; the kernels read the labels, not the targets."""
        super().begin(a, gram, targets, tables)
        self.labels[:, : self.n] = targets.argmax(-1)
        bias, late = self.network.biases[-1], self.momentum.biases
        if bias is not None:
            self.last_biases[:, 0, : self.classes] = bias
        if late:
            self._bias_momentum[:, 0, : self.classes] = late[-1]

    def learn(self, start: int, stop: int) -> None:
        """Learn the samples start .. stop - 1 of the block, whole groups of it."""
        if self.matrices == 3:
            self._learn_three(start, stop)
            return
        for first in range(start, stop, self.group):
            end = min(first + self.group, stop)
            if first:
                self.P[:, first:end].baddbmm_(self.K[:, first:end, :first], self.errors[0][:, :first])
            if self.matrices == 1:
                self._learn_one(first, end)
            else:
                self._learn_two(first, end)

    def _learn_one(self, first: int, end: int) -> None:
        learning_kernels.learn_one_matrix[(self.replicas,)](
            self.P, self.K, self.errors[0], self.labels, self.losses, self.wrong.view(torch.int8), self.numbers,
            self.block, first, end, self.classes, J=self.group, OUT=self.output_errors.shape[-1],
            SIGMOID=self.flags["SIGMOID"], OUTPUT_SLOPE=self.flags["OUTPUT_SLOPE"], num_warps=4,
        )  # fmt: skip

    def _learn_two(self, first: int, end: int) -> None:
        """Learn a group in one launch, whose programs wait for each other, or in one launch for each sample."""
        if self.plan.programs == 1 or self.waits:
            self._arrived.zero_()
            self._launch_two(first, first, end, end, begins=True)
            return
        self._launch_two(first, first, first, end, begins=True)
        for i in range(first, end):
            self._launch_two(first, i, i + 1, end, begins=False)

    def _launch_two(self, first: int, start: int, stop: int, end: int, begins: bool) -> None:
        plan, weight, late = self.plan, self.network.weights[-1], self._find_momentum(-1)
        waits = self.waits and plan.programs > 1
        learning_kernels.learn_two_matrices[(plan.programs, self.replicas)](
            self.P, self.K, self.errors[0], self.hidden[0], self.output_errors, weight, late, self.last_biases,
            self._bias_momentum, self.labels, self.rates, self.losses, self.wrong.view(torch.int8), self.numbers,
            self._shared, self._arrived, weight.stride(0), late.stride(0), self.block, first, start, stop, end,
            weight.shape[-1], self.classes, plan.width, PROGRAMS=plan.programs, C=plan.chunk, J=self.group,
            OUT=self.output_errors.shape[-1], KEEP=plan.keep, BEGIN=begins, WAIT=waits, **self.flags,
            num_warps=plan.warps, **({"launch_cooperative_grid": True} if waits else {}),
        )  # fmt: skip

    def _find_momentum(self, k: int) -> Tensor:
        return self.momentum.weights[k] if self.momentum.mu else self.none

    def _learn_three(self, start: int, stop: int) -> None:
        if start == 0:
            self.hidden[0][:, 0] = self._apply_s(self.P[:, 0])
        for i in range(start, stop):
            self._send_forward_and_learn_last(i)
            self._send_back_to_first(i)

    def _send_forward_and_learn_last(self, i: int) -> None:
        _, middle, last = self.network.weights
        late, late_last, out = self._find_momentum(1), self._find_momentum(-1), self.output_errors.shape[-1]
        own = self.network.biases[1]
        bias = self._no_bias if own is None else own
        late_bias = self.momentum.biases[1] if self.momentum.mu else self.none
        m2, m, tiles = *middle.shape[-2:], self._shared.shape[1]
        flags = {name: self.flags[name] for name in ("SIGMOID", "MOMENTUM", "BIAS")}
        middle_kernels.send_forward[(self._tiles, self.replicas)](
            middle, bias, late, late_bias, self.w_table, self.hidden[0], self.errors[1], self.hidden[1], last,
            self._shared, self.numbers, middle.stride(0), bias.stride(0), late.stride(0), late_bias.stride(0),
            last.stride(0), self.block, i, m, m2, self.classes, ROWS=MIDDLE_ROWS, C=min(CHUNK, round_up(m)),
            J=round_up(self.block), OUT=out, TILES=tiles, **flags, num_warps=WARPS // 2,
        )  # fmt: skip
        chunk = min(CHUNK, round_up(m2))
        middle_kernels.learn_last_matrix[(-(-m2 // chunk), self.replicas)](
            self.errors[1], self.hidden[1], self.output_errors, last, late_last, self.last_biases,
            self._bias_momentum, self.labels, self.rates, self.losses, self.wrong.view(torch.int8), self.numbers,
            self._shared, last.stride(0), late_last.stride(0), self.block, i, m2, self.classes, self._tiles,
            C=chunk, OUT=out, TILES=tiles, **self.flags, num_warps=WARPS // 2,
        )  # fmt: skip

    def _send_back_to_first(self, i: int) -> None:
        middle, late = self.network.weights[1], self._find_momentum(1)
        m2, m = middle.shape[-2:]
        flags = {name: self.flags[name] for name in ("SIGMOID", "HIDDEN_SLOPE", "MOMENTUM")}
        middle_kernels.send_back[(-(-m // BACK_COLUMNS), self.replicas)](
            self.P, self.K, self.errors[0], self.hidden[0], middle, late, self.w_table, self.errors[1], self.numbers,
            middle.stride(0), late.stride(0), self.block, i, self.n, m, m2, ROWS=min(BACK_ROWS, round_up(m2)),
            C=BACK_COLUMNS, J=round_up(self.block), **flags, num_warps=WARPS // 2,
        )  # fmt: skip

    def end(self) -> None:
        """Bring the deferred matrices and the last bias up to date, and their momentum."""
        super().end()
        bias, late = self.network.biases[-1], self.momentum.biases
        if self.matrices > 1 and bias is not None:
            bias.copy_(self.last_biases[:, self.n, : self.classes])
            if late:
                late[-1].copy_(self._bias_momentum[:, self.n, : self.classes])
