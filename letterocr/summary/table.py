"""Table of a sweep, with one row for each run: `summary.parquet` for programs, `summary.csv` for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from letterocr.base.files import replace_file
from letterocr.sweep.reader import RunRecord

RESULTS = {
    "final_error": "error",
    "best_error": "best_error",
    "best_sample": "best_sample",
    "samples_learned": "samples",
    "seconds": "seconds",
}


def _make_column(values: Sequence[Any]) -> Any:
    """Make a column of one type: numbers if all values are numbers, otherwise texts; null if a run has no value."""
    import pyarrow as pa

    kinds = {type(v) for v in values if v is not None}
    if kinds == {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if len(kinds) > 1:
        return pa.array([None if v is None else str(v) for v in values], pa.string())
    return pa.array(values) if kinds else pa.nulls(len(values), pa.string())


def make_table(runs: Sequence[RunRecord], folder: Path) -> Any:
    """Return a pyarrow table with run, state, reason, every field of the configs and every figure of the results.

    Args:
        runs: the runs.
        folder: the runs are named by their paths below this folder.
    """
    import pyarrow as pa

    names = dict.fromkeys(name for run in runs for name in run.fields)
    marks = sorted({mark for run in runs for mark in run.result.get("reached", {})}, key=float, reverse=True)
    columns: dict[str, Any] = {
        "run": _make_column([str(run.path).removeprefix(f"{folder}/") for run in runs]),
        "state": _make_column([run.state for run in runs]),
        "reason": _make_column([run.reason or None for run in runs]),
    }
    columns |= {name: _make_column([run.fields.get(name) for run in runs]) for name in names}
    columns |= {name: _make_column([run.result.get(key) for run in runs]) for name, key in RESULTS.items()}
    for mark in marks:
        columns[f"samples_to_{mark}"] = _make_column([run.result.get("reached", {}).get(mark) for run in runs])
    return pa.table(columns)


def write_table(runs: Sequence[RunRecord], folder: Path, output: Path) -> None:
    """Write `summary.parquet` and `summary.csv`.

    Args:
        runs: the runs.
        folder: the runs are named by their paths below this folder.
        output: folder of the two files.
    """
    import pyarrow.csv
    import pyarrow.parquet

    table = make_table(runs, folder)
    writers = {"summary.parquet": pyarrow.parquet.write_table, "summary.csv": pyarrow.csv.write_csv}
    for name, write in writers.items():
        with replace_file(output / name) as temporary:
            write(table, temporary)
