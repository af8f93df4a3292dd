"""One run in memory: its engine, its curve, and which networks have diverged; it learns one stretch at a time.

A stretch is a number of samples in a row. The results do not depend on where the stretches end.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch

from letterocr.base.errors import UserError
from letterocr.compose.build import build_engine
from letterocr.compose.devices import explain_full_memory
from letterocr.compose.learning_rates import plan_learning_rates
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.engine.engine import Engine
from letterocr.engine.records import Records
from letterocr.models.chain import Network
from letterocr.run.curve import Curve
from letterocr.run.divergence import Divergence
from letterocr.run.messages import collect_notes, describe_divergence, describe_guessing

STRETCH_SECONDS = 0.1  # duration of a stretch; signals, checkpoints and display are handled between two stretches


class Learning:
    """One run in memory, at sample 0.

    Args:
        config: config of the run.
        split: training and test letters.
        rates: for a resumed run, the learning rate of each replica that it began with; None: as the config says.
        every: samples of a stretch, rounded up to whole blocks of the engine; None: as many as take 0.1 seconds.
        engine: engine at sample 0 that was built for the run; None: one is built.
        device: where it computes then; None: as the config says.

    Attributes:
        plan: the learning rates and their bound.
        engine: engine that trains the networks.
        curve: loss and errors so far.
        divergence: which networks have diverged.
        notes: sentences for the user, such as a warning about the learning rate.
        seconds: training time so far.

    Raises:
        UserError: the config does not fit the letters or this machine.
    """

    def __init__(
        self,
        config: TrainConfig,
        split: Split,
        rates: list[float] | None = None,
        every: int | None = None,
        engine: Engine | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.config, self.split = config, split
        self.plan = plan_learning_rates(config, split.train, rates)
        self.engine = engine or build_engine(config, split, self.plan.alphas, device=device)
        self.curve = Curve(config.samples, config.replicas, len(split.test))
        self.divergence = Divergence(config.replicas)
        self.notes = [*split.notes, *collect_notes(config, self.engine, self.plan)]
        self.seconds = 0.0
        self._every, self._stretch = every, every or 1

    def measure_start(self) -> None:
        """Measure the test error before the first sample."""
        self.curve.test_error[0] = self.engine.test_error().cpu().numpy()

    def is_over(self) -> bool:
        """Return whether all samples are learned, or all networks have diverged."""
        return self.engine.sample >= self.config.samples or self.divergence.is_total()

    def find_evaluated(self) -> Network:
        """Return the networks that are tested: the engine's own, or copies with the averages of an optimizer."""
        network, optimizers = self.engine.network, self.engine.optimizers
        averages = [optimizer.find_evaluation_tensors(optimizer.state()) for optimizer in optimizers]
        if not any(averages):
            return network
        copied = replace(
            network,
            weights=[w.clone() for w in network.weights],
            biases=[None if b is None else b.clone() for b in network.biases],
        )
        with torch.no_grad():
            for r, average in enumerate(averages):
                if average:
                    copied.replica(r).load_state(average)
        return copied

    def describe_end(self) -> list[str]:
        """Return a sentence for each network that has diverged, and one if a whole run learned hardly anything."""
        diverged = sorted(self.divergence.last_finite.items())
        told = [describe_divergence(self.plan, r, sample) for r, sample in diverged]
        if diverged or not self.is_over():
            return told
        _, errors = self.curve.measured()
        hardly = describe_guessing(float(np.median(errors, axis=1).min()), self.split.test.classes)
        return [hardly] if hardly else []

    def learn_stretch(self, limit: int | None = None) -> Records:
        """Learn the next stretch of samples, and add it to the curve.

        Args:
            limit: largest number of samples learned at the end of the stretch; None: the samples of the run.

        Returns:
            The records of the stretch.

        Raises:
            UserError: the networks do not fit into the memory of the GPU.
        """
        start = time.perf_counter()
        try:
            records = self.engine.advance(self._choose_stop(limit) - self.engine.sample)
        except torch.cuda.OutOfMemoryError as error:
            raise UserError(explain_full_memory(self.config, self.split, self.engine.images.device)) from error
        spent = max(time.perf_counter() - start, self.engine.shared_seconds)
        self.seconds += spent
        if not self._every:
            learned = len(records.loss)
            self._stretch = max(1, min(2 * learned, int(learned * STRETCH_SECONDS / max(spent, 1e-9))))
        self.curve.add(records)
        self.divergence.look(records, self.curve, self.engine)
        return records

    def _choose_stop(self, limit: int | None) -> int:
        """Return where the next stretch ends: after a whole block, so that a resumed run has the same blocks."""
        blocks = -(-(self.engine.sample + self._stretch) // self.engine.block)
        return min(blocks * self.engine.block, limit or self.config.samples, self.config.samples)
