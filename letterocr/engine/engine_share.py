"""Engines of runs that train side by side: each shows its own networks of one engine that trains all of them."""

from __future__ import annotations

import time
from dataclasses import replace

from torch import Tensor

from letterocr.engine.engine import Engine
from letterocr.engine.records import Records
from letterocr.models.chain import Network


class SharedEngine:
    """An engine that trains the networks of several runs in lockstep.

    Args:
        whole: the engine, at sample 0.
        counts: networks of each run; the runs' networks follow each other in the engine.

    Attributes:
        shares: for each run the engine that it sees.
        seconds: duration of the latest stretch.
    """

    def __init__(self, whole: Engine, counts: list[int]) -> None:
        self._whole, self.seconds = whole, 0.0
        self._learned: tuple[int, Records | None] = (0, None)
        starts = [sum(counts[:i]) for i in range(len(counts))]
        self.shares = [EngineShare(self, whole, slice(a, a + n)) for a, n in zip(starts, counts, strict=True)]

    def begin(self, sample: int) -> None:
        """Let the next sample be the one after `sample`, to which all runs were taken by their checkpoints."""
        self._whole.skip_to(sample)

    def learn(self, first: int, count: int) -> Records:
        """Return the records of all networks for the `count` samples after `first`; learn them if need be."""
        if self._whole.sample == first:
            start = time.perf_counter()
            self._learned = first, self._whole.advance(count)
            self.seconds = time.perf_counter() - start
        start, records = self._learned
        assert records is not None
        assert start == first
        assert len(records.loss) == count  # the runs go in lockstep
        return records


class EngineShare(Engine):
    """The engine as one of the runs sees it.

    Args:
        shared: what trains the networks.
        whole: its engine.
        own: the run's networks in it.
    """

    def __init__(self, shared: SharedEngine, whole: Engine, own: slice) -> None:
        network = Network(
            [weight[own] for weight in whole.network.weights],
            [None if bias is None else bias[own] for bias in whole.network.biases],
            None if whole.network.temperature is None else whole.network.temperature[own],
        )
        task = replace(whole.task, network=network, optimizers=whole.optimizers[own], orders=whole.orders[own])
        super().__init__(task)
        self._shared, self._whole, self._own = shared, whole, own
        self.name = whole.name

    @property
    def block(self) -> int:
        """The number of samples that the engine processes at once."""
        return self._whole.block

    @property
    def shared_seconds(self) -> float:
        """Seconds of the latest stretch: one run's call learns for all of them."""
        return self._shared.seconds

    @property
    def certified(self) -> bool:
        """Whether test letters whose class is proved are not evaluated."""
        return self._whole.certified

    def advance(self, count: int) -> Records:
        """Learn the next `count` samples, with all other runs, unless another run's call did; return the records."""
        records = self._shared.learn(self._sample, count)
        self._sample += count
        return Records(*(x[:, self._own] for x in (records.loss, records.wrong, records.test_error)))

    def cached_tensors(self) -> dict[str, Tensor]:
        """Return the cached pre-activations of the run's networks by name."""
        return self._whole.select_cached(self._own)
