"""A second stream of a GPU, and a block's work as a CUDA graph; on the CPU the same calls do the work at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


class SideStream:
    """A stream beside the current one, whose work uses one of several slots of memory at a time.

    Args:
        device: where the work is done; on the CPU all of it is done in order.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._done: dict[int, torch.cuda.Event] = {}

    def wait_until_free(self, slot: int) -> None:
        """Let the current stream wait until the work that uses this slot is done."""
        if slot in self._done:
            torch.cuda.current_stream().wait_event(self._done[slot])

    @contextmanager
    def work(self, slot: int) -> Iterator[None]:
        """Do what is inside on this stream, after all that the current stream was told so far."""
        if self._stream is None:
            yield
            return
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            yield
            self._done[slot] = event = torch.cuda.Event()
            event.record()

    def join(self) -> None:
        """Let the current stream wait until all work here is done."""
        if self._stream is not None:
            torch.cuda.current_stream().wait_stream(self._stream)
        self._done = {}  # an event that a graph captured means nothing outside of it


class Replayed:
    """Work that is launched the first time, captured as a CUDA graph the second time, and replayed from then on.

    The work must read and write the same tensors each time, and bring no value to the host. The first time compiles
    the kernels and gives the libraries their memory, which a capture cannot do.

    Args:
        work: what is done.
        captures: whether graphs are used; without them the work is launched each time.
    """

    def __init__(self, work: Callable[[], None], captures: bool) -> None:
        self._work, self._captures = work, captures
        self._graph: torch.cuda.CUDAGraph | None = None
        self._warm = False

    def run(self) -> None:
        """Do the work once."""
        if not (self._captures and self._warm):
            self._work()
            self._warm = True
            return
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._work()
        self._graph.replay()
