"""A stack on a GPU: all replicas together, a whole block captured as one CUDA graph.

Not measured on a GPU yet. Nothing inside a block brings a value to the host, so that the capture holds it all.
"""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.engine.stack import Stack


class GraphedStack(Stack):
    """Captures a full block the first time that it comes, and replays it from then on; other blocks run as they are."""

    graph: torch.cuda.CUDAGraph | None = None

    def learn_and_measure(self, due: list[int], labels: Tensor) -> Tensor:
        """Learn the block and count the misread test letters after the samples in `due`."""
        if self.n < self.block or len(due) not in (0, self.block):
            return super().learn_and_measure(due, labels)
        if self.graph is None:
            self._capture(due, labels)
        assert self.graph is not None
        self.graph.replay()
        return self.counts.clone()

    def learn(self, start: int, stop: int) -> None:
        """Learn the samples start .. stop - 1; a whole block at once is captured."""
        if start == 0 and stop == self.block and self.test_images is None:
            self.learn_and_measure([], torch.empty(0))
        else:
            super().learn(start, stop)

    def _capture(self, due: list[int], labels: Tensor) -> None:
        """Warm up on a side stream, put back what that changed, capture."""
        changed = [*self.network.state().values(), *self.momentum.weights, *self.momentum.biases]
        if self.test_images is not None:
            changed += [self.z] if self.y is None else [self.z, self.y]
        before = [tensor.clone() for tensor in changed]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self._plain(due, labels)
        torch.cuda.current_stream().wait_stream(side)
        for tensor, old in zip(changed, before, strict=True):
            tensor.copy_(old)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.counts = self._plain(due, labels)
        self.graph = graph

    def _plain(self, due: list[int], labels: Tensor) -> Tensor:
        if due:
            return super().learn_and_measure(due, labels)
        super().learn(0, self.n)
        return self.losses
