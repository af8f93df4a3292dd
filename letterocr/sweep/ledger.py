"""Records of a sweep: the outcome of each run.

runs/HASH.json, in the sweep's folder: the outcome of the run with these overrides
stopped, in the sweep's folder: a run failed, and on_failure=stop lets no further one begin
failure.json, in a run folder: the reason why that run failed
"""

from __future__ import annotations

import hashlib
import math
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from letterocr.base.errors import UserError
from letterocr.base.files import read_json, write_json, write_text
from letterocr.run.outcome import Outcome


@dataclass(frozen=True)
class Record:
    """The recorded outcome of a run.

    Attributes:
        overrides: name of the run in the report.
        folder: its run folder.
        status: finished, diverged, running (in another process), stopped or failed.
        error: its final test error; None if there is none.
        reason: why it is not finished, or empty.
        existed: whether it was over before the sweep.
    """

    overrides: list[str]
    folder: str
    status: str
    error: float | None
    reason: str
    existed: bool = False


def locate_record(sweep: Path, overrides: Sequence[str]) -> Path:
    """Return the path of a run's record."""
    name = hashlib.sha256("\n".join(overrides).encode()).hexdigest()[:16]
    return sweep / "runs" / f"{name}.json"


def list_records(sweep: Path) -> set[Path]:
    """Return the paths of all records, found by listing, because a network file system may show a new file late."""
    return set(sweep.glob("runs/*.json"))


def clear_records(sweep: Path) -> None:
    """Remove what an earlier sweep left in the same folder, so that the report is on this one alone."""
    for path in (*list_records(sweep), sweep / "stopped"):
        path.unlink(missing_ok=True)


def stop_sweep(sweep: Path) -> None:
    """Let no further run of the sweep begin, in any process or job."""
    write_text(sweep / "stopped", "")


def is_stopped(sweep: Path) -> bool:
    """Return whether no further run of the sweep may begin."""
    return (sweep / "stopped").exists()


def write_record(sweep: Path, overrides: Sequence[str], outcome: Outcome) -> None:
    """Record the outcome of a run.

    Args:
        sweep: folder of the sweep.
        overrides: name of the run in the report.
        outcome: how the run ended.
    """
    error = outcome.error if math.isfinite(outcome.error) else None
    facts = {"overrides": list(overrides), "folder": str(outcome.folder), "status": outcome.status, "error": error}
    reason = outcome.message if outcome.status in ("running", "failed") else ""
    if outcome.status == "diverged":
        last = max(read_json(outcome.folder / "result.json")["diverged"].values())
        reason = f"at sample {last + 1:,} ({outcome.folder})"
    write_json(locate_record(sweep, overrides), facts | {"reason": reason, "existed": outcome.existed})


def find_record(sweep: Path, overrides: Sequence[str]) -> Record | None:
    """Return the record of a run, or None if there is none."""
    path = locate_record(sweep, overrides)
    return read_record(path) if path.exists() else None


def read_record(path: Path) -> Record:
    """Read a record; a run that another process trained may have finished since the record was written.

    Raises:
        UserError: the record or the result is damaged.
    """
    facts = read_json(path)
    try:
        result = read_json(Path(facts["folder"]) / "result.json") if facts["status"] == "running" else {}
        if result:
            facts |= {"status": result["status"], "error": result["error"], "reason": ""}
        return Record(**facts)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise UserError(f"{path} is damaged ({' '.join(str(error).split())}): start the sweep again.") from error


def write_failure(folder: Path, overrides: Sequence[str], reason: str, trace: str = "") -> None:
    """Write `failure.json` of a run; if its folder cannot be written, print why, as the report has the reason too.

    Args:
        folder: the run folder.
        overrides: name of the run in the report.
        reason: why the run failed, in one sentence.
        trace: traceback of the error, or empty.
    """
    when = time.strftime("%Y-%m-%d %H:%M:%S")
    facts = {"reason": reason, "overrides": list(overrides), "host": socket.gethostname(), "time": when}
    try:
        write_json(folder / "failure.json", facts | {"traceback": trace})
    except OSError as error:
        print(f"letterocr: {folder / 'failure.json'} can't be written ({error.strerror}).", file=sys.stderr, flush=True)
