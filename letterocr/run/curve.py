"""Learning curve of a run: loss, training error and test error of every single sample, none left out.

Shapes: n samples learned so far, R replicas; row i is the state after i samples, row 0 before the first update.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from letterocr.base.errors import UserError
from letterocr.base.parquet import read_columns, write_table
from letterocr.compose.stored_config import check_run_folder
from letterocr.engine.records import Records

WINDOW = 500  # samples over which the training error is averaged
NOT_MEASURED = 65535  # count of misread letters in a file where the test error was not measured
LETTERS = b"test_letters"  # metadata of a file with such counts: the number of test letters
LETTERS_CHECK = b"test_letters_crc32"  # and its checksum; the columns have their own
MARKS = (0.5, 0.2, 0.1)  # the summary says after how many samples the test error first reached each of these


@dataclass(frozen=True)
class Summary:
    """Closing figures of a run; errors are fractions, medians over the replicas.

    Attributes:
        samples: samples learned.
        seconds: training time in seconds, summed over all sessions.
        final_error: last test error.
        best_error: lowest test error.
        best_sample: samples learned when the lowest test error was first reached.
        reached: for each mark 0.5, 0.2 and 0.1, the samples learned when the test error first was at or below it; None
            if it never was.
    """

    samples: int
    seconds: float
    final_error: float
    best_error: float
    best_sample: int
    reached: dict[float, int | None]


class Curve:
    """Learning curve of a run, stored as one parquet file.

    Args:
        samples: samples of the whole run.
        replicas: number of networks trained side by side.
        letters: number of test letters; with several networks the file then holds counts, in a quarter of the room;
            None: it holds fractions.

    Attributes:
        loss: [samples + 1, R], loss of each sample before its update; NaN in row 0 and where not learned yet.
        wrong: [samples + 1, R], whether the sample was misread before its update.
        test_error: [samples + 1, R], fraction of the test letters that are misread; NaN where it was not measured.
        sample: samples learned so far.
    """

    def __init__(self, samples: int, replicas: int, letters: int | None = None) -> None:
        shape = (samples + 1, replicas)
        self.loss = np.full(shape, np.nan)
        self.wrong = np.zeros(shape, bool)
        self.test_error = np.full(shape, np.nan)
        self.sample = 0
        self._letters = letters if replicas > 1 and letters and letters < NOT_MEASURED else None

    @property
    def samples(self) -> int:
        """Samples of the whole run."""
        return len(self.loss) - 1

    def add(self, records: Records) -> None:
        """Append the records of a stretch of samples."""
        rows = slice(self.sample + 1, self.sample + 1 + len(records.loss))
        self.loss[rows], self.wrong[rows], self.test_error[rows] = records.loss, records.wrong, records.test_error
        self.sample += len(records.loss)

    def train_error(self, samples: np.ndarray) -> np.ndarray:
        """Return the fraction of the last 500 samples that were misread before their update.

        Args:
            samples: [n] samples learned.

        Returns:
            [n, R]; NaN at 0 samples.
        """
        if not len(samples):
            return np.empty((0, self.wrong.shape[1]))
        low = max(int(samples.min()) - WINDOW, 0)
        total = np.cumsum(self.wrong[low : int(samples.max()) + 1], axis=0, dtype=np.int64)
        first = np.maximum(samples - WINDOW, 0)
        count = np.where(samples > 0, samples - first, np.nan)
        return (total[samples - low] - total[first - low]) / count[:, None]

    def measured(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the samples at which the test error was measured [m], and the errors [m, R]."""
        samples = np.flatnonzero(~np.isnan(self.test_error[: self.sample + 1, 0]))
        return samples, self.test_error[samples]

    def last_error(self) -> float:
        """Return the latest measured test error, the median over the replicas."""
        row = self.sample
        while np.isnan(self.test_error[row, 0]):
            row -= 1
        return float(np.median(self.test_error[row]))

    def summary(self, seconds: float) -> Summary:
        """Return the closing figures of the run so far.

        Args:
            seconds: training time so far.
        """
        samples, errors = self.measured()
        error = np.median(errors, axis=1)
        best = int(error.argmin())
        reached = {mark: int(samples[(error <= mark).argmax()]) if (error <= mark).any() else None for mark in MARKS}
        return Summary(self.sample, seconds, float(error[-1]), float(error[best]), int(samples[best]), reached)

    def summarise_networks(self) -> dict[str, Any]:
        """Return final error, lowest error, and the samples to each mark of every network: lists [R]."""
        samples, errors = self.measured()
        low = {mark: errors <= mark for mark in MARKS}
        reached = {
            f"{mark:g}": [int(samples[column.argmax()]) if column.any() else None for column in below.T]
            for mark, below in low.items()
        }
        return {"error": errors[-1].tolist(), "best_error": errors.min(axis=0).tolist(), "reached": reached}

    def save(self, path: Path) -> None:
        """Write the curve so far with the columns replica, sample, loss, wrong, and test_error or misread.

        `misread` is the number of misread test letters in two bytes, 65535 where it was not measured; the metadata
        `test_letters` of the file is the number of all test letters.
        """
        import pyarrow as pa

        rows, replicas = self.sample + 1, self.loss.shape[1]
        table = pa.table(
            {
                "replica": np.repeat(np.arange(replicas, dtype=np.int32), rows),
                "sample": np.tile(np.arange(rows, dtype=np.int64), replicas),
                "loss": self.loss[:rows].T.ravel(),
                "wrong": self.wrong[:rows].T.ravel(),
                **self._write_errors(self.test_error[:rows].T.ravel()),
            }
        )
        if self._letters:
            text = str(self._letters)
            table = table.replace_schema_metadata({LETTERS: text, LETTERS_CHECK: str(zlib.crc32(text.encode()))})
        write_table(table, path)

    def _write_errors(self, errors: np.ndarray) -> dict[str, np.ndarray]:
        """Return the column of the test errors by its name."""
        if not self._letters:
            return {"test_error": errors}
        counts = np.where(np.isnan(errors), NOT_MEASURED, np.rint(errors * self._letters))
        return {"misread": counts.astype(np.uint16)}

    def load(self, path: Path, sample: int) -> None:
        """Read a stored curve up to a number of samples.

        Args:
            path: the parquet file.
            sample: samples learned; later rows of the file are left out.

        Raises:
            OSError, KeyError, ValueError: the file can't be read, or its curve has fewer samples or other replicas.
        """
        columns = _read_columns(path, "loss", "wrong", "test_error")
        for name in ("loss", "wrong", "test_error"):
            column = columns[name]
            if len(column) <= sample or column.shape[1] != self.loss.shape[1]:
                raise ValueError(f"{path} holds another curve")
            getattr(self, name)[: sample + 1] = column[: sample + 1]
        self.sample = sample


def read_curve(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the measured test errors of a run folder.

    Args:
        folder: the run folder.

    Returns:
        Samples learned [m] and test errors [m, R].

    Raises:
        UserError: the folder holds no whole curve.
    """
    path = folder / "curve.parquet"
    if not path.exists():
        check_run_folder(folder)
        raise UserError(f"{folder} has no error curve yet: its run writes it with its first checkpoint.")
    try:
        columns = _read_columns(path, "test_error")
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path} can't be read ({' '.join(str(error).split())}): train the run again.") from error
    errors = columns["test_error"]
    measured = ~np.isnan(errors[:, 0])
    return columns["sample"][measured, 0], errors[measured]


def _read_columns(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Read columns of a stored curve by name, each [n + 1, R]."""
    stored, metadata = read_columns(path, lambda there: ["replica", "sample", *(_find(name, there) for name in names)])
    replicas = int(stored["replica"].max(initial=-1)) + 1
    rows, left = divmod(len(stored["replica"]), max(1, replicas))
    expected = {"replica": np.repeat(np.arange(replicas), rows), "sample": np.tile(np.arange(rows), replicas)}
    if left or not rows or not all(np.array_equal(stored[name], column) for name, column in expected.items()):
        raise ValueError("its rows are not those of a curve")
    columns = {name: column.reshape(replicas, rows).T for name, column in stored.items() if name != "replica"}
    if "misread" in columns:
        counts, letters = columns.pop("misread"), _read_letters(metadata)
        columns["test_error"] = np.where(counts == NOT_MEASURED, np.nan, counts / letters)
    if not (np.nan_to_num(columns["test_error"]) <= 1).all():
        raise ValueError("more letters are misread than there are")
    return columns


def _find(name: str, there: Collection[str]) -> str:
    """Return the name of the column that holds this one."""
    return "misread" if name == "test_error" and "misread" in there else name


def _read_letters(metadata: Mapping[bytes, bytes]) -> int:
    """Return the number of test letters in the metadata; files of early versions have no checksum of it."""
    text = metadata.get(LETTERS, b"")
    if not text.isdigit() or metadata.get(LETTERS_CHECK, b"%d" % zlib.crc32(text)) != b"%d" % zlib.crc32(text):
        raise ValueError("the number of its test letters is damaged")
    return max(1, int(text))
