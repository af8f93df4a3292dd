"""Stacks on a GPU: all replicas together, and a whole block captured as one CUDA graph.

Nothing inside a block brings a value to the host, so that one capture holds the whole block. The tests need no GPU and
do not run this module.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from letterocr.engine.follower import Follower
from letterocr.engine.stack import Stack


class BlockGraph:
    """The work of a whole block, captured when it runs first and replayed from then on."""

    def __init__(self) -> None:
        self.graph: torch.cuda.CUDAGraph | None = None
        self.result = torch.empty(0)

    def run(self, work: Callable[[], Tensor], changed: list[Tensor]) -> Tensor:
        """Do the work, or replay it.

        Args:
            work: what is captured.
            changed: the tensors that the work changes in place.

        Returns:
            A copy of what the work returns.
        """
        if self.graph is None:
            self._capture(work, changed)
        assert self.graph is not None
        self.graph.replay()
        return self.result.clone()

    def _capture(self, work: Callable[[], Tensor], changed: list[Tensor]) -> None:
        """Warm up on a side stream, restore the changed tensors, then capture."""
        before = [tensor.clone() for tensor in changed]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            work()
        torch.cuda.current_stream().wait_stream(side)
        for tensor, old in zip(changed, before, strict=True):
            tensor.copy_(old)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.result = work()
        self.graph = graph


def list_changed(stack: Stack) -> list[Tensor]:
    """Return the tensors that learning a block changes, without scratch."""
    return [*stack.network.state().values(), *stack.momentum.weights, *stack.momentum.biases]


class GraphedStack(Stack):
    """Replays a CUDA graph for a block that is learned at once; runs other blocks directly."""

    block_graph: BlockGraph | None = None

    def learn(self, start: int, stop: int) -> None:
        """Learn the samples start .. stop - 1 of the block."""
        if start > 0 or stop < self.block:
            super().learn(start, stop)
            return
        self.block_graph = self.block_graph or BlockGraph()
        learn = super().learn

        def work() -> Tensor:
            learn(0, self.block)
            return self.losses

        self.block_graph.run(work, list_changed(self))


class GraphedFollower(Follower):
    """Replays a CUDA graph for a block that is measured after every sample; runs other blocks directly."""

    block_graph: BlockGraph | None = None

    def learn_and_measure(self, due: list[int]) -> Tensor:
        """Let the stack learn its block; return the misread letters after each sample in `due`: [..., len(due)]."""
        if self.stack.n < self.stack.block or len(due) != self.stack.block:
            return super().learn_and_measure(due)
        self.block_graph = self.block_graph or BlockGraph()
        measure = super().learn_and_measure
        changed = [*list_changed(self.stack), *self.cached_tensors().values()]
        return self.block_graph.run(lambda: measure(due), changed)
