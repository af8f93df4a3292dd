"""Networks that have diverged: their loss or their weights are not finite, and nothing mends that any more."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from letterocr.engine.engine import Engine
from letterocr.engine.records import Records
from letterocr.run.curve import Curve


class Divergence:
    """Which of the networks that are trained side by side have diverged, and when.

    Attributes:
        last_finite: for each replica that diverged, the samples learned when its weights were last finite.
    """

    def __init__(self, replicas: int) -> None:
        self.replicas = replicas
        self.last_finite: dict[int, int] = {}

    def load(self, stored: Mapping[str, int]) -> None:
        """Take up what a checkpoint says."""
        self.last_finite = {int(r): sample for r, sample in stored.items()}

    def is_total(self) -> bool:
        """Whether all networks have diverged."""
        return len(self.last_finite) == self.replicas

    def find_finite(self) -> int | None:
        """The first replica that has not diverged, if there is one."""
        return next((r for r in range(self.replicas) if r not in self.last_finite), None)

    def look(self, records: Records, curve: Curve, engine: Engine) -> None:
        """Find who diverged in the stretch that was just added to the curve; from then on its test error counts as 1.

        A loss is that before its sample's update, so that weights which the last sample broke are looked at themselves.
        Where all networks have diverged the curve ends with the last finite weights.
        """
        before = curve.sample - len(records.loss)
        for r in range(self.replicas):
            broken = ~np.isfinite(records.loss[:, r])
            if r not in self.last_finite and broken.any():
                self.last_finite[r] = max(before + int(broken.argmax()) - 1, 0)
            elif r not in self.last_finite and curve.sample == curve.samples and not _has_finite_weights(engine, r):
                self.last_finite[r] = curve.sample - 1
            if r in self.last_finite:
                late = curve.test_error[self.last_finite[r] + 1 : curve.sample + 1, r]
                late[~np.isnan(late)] = 1.0
        if self.is_total():
            curve.sample = max(self.last_finite.values())


def _has_finite_weights(engine: Engine, r: int) -> bool:
    return all(bool(tensor[r].isfinite().all()) for tensor in engine.network.state().values())
