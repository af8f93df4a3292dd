"""The launch code against a stand-in of CUDA: which stream waits for what, and a block's work replayed as a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from engine.gpu.gpu_cases import BLOCK, GROUP, SPLIT, assert_as_reference, make_config
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from letterocr.compose.build import build_engine
from letterocr.engine.gpu import gpu_engine, product_kernel, streams, table_kernel, triton_follower, triton_stack
from letterocr.engine.gpu.gpu_engine import GpuEngine
from letterocr.engine.gpu.streams import Replayed, SideStream


class Recorder(TorchDispatchMode):
    """Records operations on tensors and launches of kernels, as a CUDA graph does: with the memory that they used."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Callable[[], None]] = []
        self.inside_kernel = False

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        if not self.inside_kernel:
            self.calls.append(lambda: self._repeat(function, args, kwargs, result))
        return result

    @staticmethod
    def _repeat(function: Any, args: Any, kwargs: Any, result: Any) -> None:
        again = function(*args, **kwargs)
        for old, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
            if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                old.copy_(new)

    def wrap(self, kernel: Any) -> Any:
        recorder = self

        class Launcher:
            def __getitem__(self, grid: Any) -> Callable[..., None]:
                def launch(*args: Any, **kwargs: Any) -> None:
                    recorder.inside_kernel = True
                    kernel[grid](*args, **kwargs)
                    recorder.inside_kernel = False
                    if recorder.recording:
                        recorder.calls.append(lambda: kernel[grid](*args, **kwargs))

                return launch

        return Launcher()

    recording = False


class Graph:
    """Stand-in of a CUDA graph; the recording itself counts as the first replay."""

    recorder: Recorder

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []
        self.replays = 0

    def replay(self) -> None:
        self.replays += 1
        for call in self.calls if self.replays > 1 else []:
            call()


@contextmanager
def capture(graph: Graph) -> Iterator[None]:
    recorder = Graph.recorder
    recorder.calls, recorder.recording = graph.calls, True
    with recorder:
        yield
    recorder.recording = False


@pytest.mark.parametrize("network", ["three_layer", "four_layer"])
def test_a_replayed_block_learns_its_own_samples(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Graph.recorder = recorder = Recorder()
    monkeypatch.setattr(triton_stack, "GROUP", GROUP)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    monkeypatch.setattr(gpu_engine, "Replayed", lambda work, captures: Replayed(work, captures=True))
    for module, names in (
        (triton_stack.learning_kernels, ("learn_one_matrix", "learn_two_matrices")),
        (triton_stack.middle_kernels, ("send_forward", "learn_last_matrix", "send_back")),
        (triton_follower.letter_kernels, ("count_one_matrix", "follow_two_matrices", "count_two_matrices")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, recorder.wrap(getattr(module, name)))
    for module, name in ((product_kernel, "multiply_tiles"), (table_kernel, "fill_tables")):
        monkeypatch.setattr(module, name, recorder.wrap(getattr(module, name)))
    config = make_config(network, "both", samples=4 * BLOCK + 3)
    engine = GpuEngine(build_engine(config, SPLIT).task)
    assert_as_reference(engine, config, (3 * BLOCK, BLOCK + 3), 1e-10)
    graph = engine._block_work._graph
    assert graph is not None
    assert graph.replays == 3
    assert len(graph.calls) > 10


def test_without_graphs_the_work_is_launched_each_time() -> None:
    done: list[int] = []
    replayed = Replayed(lambda: done.append(1), captures=False)
    for _ in range(3):
        replayed.run()
    assert len(done) == 3


class Stream:
    """Stand-in of a CUDA stream, which notes what it is told."""

    current: Stream
    notes: list[str]

    def __init__(self, device: torch.device | None = None, name: str = "side") -> None:
        self.name = name

    def wait_stream(self, other: Stream) -> None:
        Stream.notes.append(f"{self.name} waits for {other.name}")

    def wait_event(self, event: Event) -> None:
        Stream.notes.append(f"{self.name} waits for event {event.number}")


class Event:
    """Stand-in of a CUDA event."""

    count = 0

    def __init__(self) -> None:
        Event.count += 1
        self.number = Event.count

    def record(self) -> None:
        Stream.notes.append(f"{Stream.current.name} records event {self.number}")


@contextmanager
def enter(stream: Stream) -> Iterator[None]:
    before, Stream.current = Stream.current, stream
    yield
    Stream.current = before


def test_the_side_stream_waits_and_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    Stream.current, Stream.notes, Event.count = Stream(name="main"), [], 0
    for name, stand_in in (("Stream", Stream), ("Event", Event), ("stream", enter)):
        monkeypatch.setattr(streams.torch.cuda, name, stand_in)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: Stream.current)
    side = SideStream(torch.device("cuda"))
    for slot in (0, 1, 0):
        side.wait_until_free(slot)
        with side.work(slot):
            Stream.notes.append(f"work on {Stream.current.name}")
    side.join()
    side.wait_until_free(0)
    turn = ["side waits for main", "work on side"]
    first, second, third = ([*turn, f"side records event {number}"] for number in (1, 2, 3))
    assert Stream.notes == [*first, *second, "main waits for event 1", *third, "main waits for side"]
