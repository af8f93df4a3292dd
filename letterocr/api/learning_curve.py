"""Learning curve of a run as arrays, for scripts and notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from letterocr.base.errors import UserError

if TYPE_CHECKING:
    from letterocr.run.curve import Curve


@dataclass(frozen=True)
class LearningCurve:
    """Loss and errors of R networks trained side by side; row i is the state after i samples.

    Attributes:
        samples: [n] int, samples learned: 0, 1, 2, ...
        loss: [n, R], loss of each sample before its update; NaN in row 0.
        train_error: [n, R], fraction of the last 500 samples that were misread before their update; NaN in row 0.
        test_error: [n, R], fraction of the test letters that are misread; NaN where it was not measured.
    """

    samples: np.ndarray
    loss: np.ndarray
    train_error: np.ndarray
    test_error: np.ndarray

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        return f"<LearningCurve: samples 0 to {len(self) - 1:,}, {self.loss.shape[1]} networks>"

    def measured(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the samples at which the test error was measured [m], and the test errors [m, R]."""
        rows = ~np.isnan(self.test_error[:, 0])
        return self.samples[rows], self.test_error[rows]

    def to_pandas(self) -> Any:
        """Return the curve as a pandas table with one row for each sample and network.

        Returns:
            A DataFrame with the columns replica, sample, loss, train_error and test_error.

        Raises:
            UserError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise UserError("to_pandas() needs pandas: install it with `pip install pandas`.") from error
        rows, replicas = self.loss.shape
        columns = {name: getattr(self, name).T.ravel() for name in ("loss", "train_error", "test_error")}
        places = {"replica": np.repeat(np.arange(replicas), rows), "sample": np.tile(self.samples, replicas)}
        return pandas.DataFrame(places | columns)


def copy_curve(curve: Curve) -> LearningCurve:
    """Return a copy of the curve of a run so far."""
    rows = slice(0, curve.sample + 1)
    samples = np.arange(curve.sample + 1)
    return LearningCurve(samples, curve.loss[rows].copy(), curve.train_error(samples), curve.test_error[rows].copy())
