"""Divergence: networks whose loss exceeds 10^6, or whose loss or weights are not finite; they do not recover."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from letterocr.engine.engine import Engine
from letterocr.engine.records import Records
from letterocr.models.chain import Network
from letterocr.run.curve import Curve

LARGEST_LOSS = 1e6  # of one sample; outputs of a network that learns are of order 1


def is_diverged(loss: np.ndarray) -> np.ndarray:
    """Return where a loss shows that its network has diverged: it is not finite, or exceeds 10^6.

    Example:
        >>> is_diverged(np.array([0.5, 2e6, np.nan])).tolist()
        [False, True, True]
    """
    return ~(loss <= LARGEST_LOSS)


class Divergence:
    """Keeps which of the networks trained side by side have diverged, and when.

    Args:
        replicas: number of networks.

    Attributes:
        last_finite: for each replica that diverged, the samples learned before it diverged.
    """

    def __init__(self, replicas: int) -> None:
        self.replicas = replicas
        self.last_finite: dict[int, int] = {}

    def load(self, stored: Mapping[str, int]) -> None:
        """Restore `last_finite` from a checkpoint, whose keys are texts."""
        self.last_finite = {int(r): sample for r, sample in stored.items()}

    def is_total(self) -> bool:
        """Return whether all networks have diverged."""
        return len(self.last_finite) == self.replicas

    def find_finite(self) -> int | None:
        """Return the first replica that has not diverged; None if all have."""
        return next((r for r in range(self.replicas) if r not in self.last_finite), None)

    def look(self, records: Records, curve: Curve, engine: Engine) -> None:
        """Find the networks that diverged in the latest stretch, and set their test error to 1 from then on.

        The loss of a sample is measured before its update, so after the last sample the weights themselves are checked.
        If all networks have diverged, the curve is cut after the last finite weights.

        Args:
            records: records of the stretch.
            curve: curve of the run, which holds the stretch already.
            engine: engine of the run.
        """
        before = curve.sample - len(records.loss)
        for r in range(self.replicas):
            broken = is_diverged(records.loss[:, r])
            if r not in self.last_finite and broken.any():
                self.last_finite[r] = max(before + int(broken.argmax()) - 1, 0)
            elif (
                r not in self.last_finite
                and curve.sample == curve.samples
                and not has_finite_weights(engine.network, r)
            ):
                self.last_finite[r] = curve.sample - 1
            if r in self.last_finite:
                late = curve.test_error[self.last_finite[r] + 1 : curve.sample + 1, r]
                late[~np.isnan(late)] = 1.0
        if self.is_total():
            curve.sample = max(self.last_finite.values())

    def drop_losses(self, samples: np.ndarray, loss: np.ndarray) -> np.ndarray:
        """Return the losses [n, R] at these samples [n], NaN for each network after it diverged."""
        kept = loss.copy()
        for r, last in self.last_finite.items():
            kept[samples > last, r] = np.nan
        return kept


def has_finite_weights(network: Network, r: int) -> bool:
    """Return whether all weights and biases of a network are finite.

    Args:
        network: networks trained side by side.
        r: index of the network.
    """
    return all(bool(tensor[r].isfinite().all()) for tensor in network.state().values())
