"""The curve of a run: loss, training error and test error after every single sample, nothing thinned.

Shapes: n samples learned so far, R replicas; row i is the state after i samples, row 0 before the first update.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from letterocr.base.errors import UserError
from letterocr.base.files import replace_file
from letterocr.engine.records import Records

WINDOW = 500  # samples over which the training error is averaged
MARKS = (0.5, 0.2, 0.1)  # test errors whose first sample the closing table tells


@dataclass(frozen=True)
class Summary:
    """What a run came to; errors are medians over the replicas.

    Attributes:
        samples: samples learned.
        seconds: time spent on training them, in all sessions.
        final_error: test error at the end.
        best_error: lowest test error.
        best_sample: samples learned when it was first reached.
        reached: for each of 50, 20 and 10 %: samples learned when the test error first was as low, or None.
    """

    samples: int
    seconds: float
    final_error: float
    best_error: float
    best_sample: int
    reached: dict[float, int | None]


class Curve:
    """Collects what the engine reports and stores it as one parquet file."""

    def __init__(self, samples: int, replicas: int) -> None:
        shape = (samples + 1, replicas)
        self.loss = np.full(shape, np.nan)
        self.wrong = np.zeros(shape, bool)
        self.test_error = np.full(shape, np.nan)
        self.sample = 0

    @property
    def samples(self) -> int:
        """Samples of the whole run."""
        return len(self.loss) - 1

    def add(self, records: Records) -> None:
        """Append a stretch of samples."""
        rows = slice(self.sample + 1, self.sample + 1 + len(records.loss))
        self.loss[rows], self.wrong[rows], self.test_error[rows] = records.loss, records.wrong, records.test_error
        self.sample += len(records.loss)

    def train_error(self, samples: np.ndarray) -> np.ndarray:
        """Fraction of the last 500 samples misread before their update, at each of `samples`: [n, R]; NaN at 0."""
        if not len(samples):
            return np.empty((0, self.wrong.shape[1]))
        low = max(int(samples.min()) - WINDOW, 0)
        total = np.cumsum(self.wrong[low : int(samples.max()) + 1], axis=0, dtype=np.int64)
        first = np.maximum(samples - WINDOW, 0)
        count = np.where(samples > 0, samples - first, np.nan)
        return (total[samples - low] - total[first - low]) / count[:, None]

    def measured(self) -> tuple[np.ndarray, np.ndarray]:
        """Samples at which the test error was measured [m], and the errors [m, R]."""
        samples = np.flatnonzero(~np.isnan(self.test_error[: self.sample + 1, 0]))
        return samples, self.test_error[samples]

    def last_error(self) -> float:
        """The newest measured test error, the median over the replicas."""
        row = self.sample
        while np.isnan(self.test_error[row, 0]):
            row -= 1
        return float(np.median(self.test_error[row]))

    def summary(self, seconds: float) -> Summary:
        """The closing figures of the run so far."""
        samples, errors = self.measured()
        error = np.median(errors, axis=1)
        best = int(error.argmin())
        reached = {mark: int(samples[(error <= mark).argmax()]) if (error <= mark).any() else None for mark in MARKS}
        return Summary(self.sample, seconds, float(error[-1]), float(error[best]), int(samples[best]), reached)

    def save(self, path: Path) -> None:
        """Write the curve so far as columns replica, sample, loss, wrong, test_error."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows, replicas = self.sample + 1, self.loss.shape[1]
        table = pa.table(
            {
                "replica": np.repeat(np.arange(replicas, dtype=np.int32), rows),
                "sample": np.tile(np.arange(rows, dtype=np.int64), replicas),
                "loss": self.loss[:rows].T.ravel(),
                "wrong": self.wrong[:rows].T.ravel(),
                "test_error": self.test_error[:rows].T.ravel(),
            }
        )
        with replace_file(path) as temporary:
            pq.write_table(table, temporary)

    def load(self, path: Path, sample: int) -> None:
        """Take up a stored curve, cut to that many samples.

        Raises:
            OSError, KeyError, ValueError: it can't be read, or is not a curve of so many samples and replicas.
        """
        for name, column in _read_columns(path, "loss", "wrong", "test_error").items():
            if len(column) <= sample or column.shape[1] != self.loss.shape[1]:
                raise ValueError(f"{path} holds another curve")
            getattr(self, name)[: sample + 1] = column[: sample + 1]
        self.sample = sample


def read_curve(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The test errors that a run folder holds: samples [m] and errors [m, R].

    Raises:
        UserError: the folder holds no whole curve.
    """
    path = folder / "curve.parquet"
    try:
        columns = _read_columns(path, "sample", "test_error")
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path} can't be read ({str(error).splitlines()[0]}): give a run folder.") from error
    errors = columns["test_error"]
    measured = ~np.isnan(errors[:, 0])
    return columns["sample"][measured, 0], errors[measured]


def _read_columns(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Columns of a stored curve by name: each [n + 1, R]."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["replica", *names])
    replicas = int(table["replica"].to_numpy().max()) + 1
    return {name: table[name].to_numpy().reshape(replicas, -1).T for name in names}
