"""Closing report of a sweep: the outcome of each run, and the exit status of the command.

`conf/config.yaml` names `ClosingReport` as one of Hydra's callbacks, so that it runs after every sweeper and launcher.
"""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from letterocr.base.errors import RunningError, end_quietly
from letterocr.base.signals import exit_with_sentence
from letterocr.sweep.ledger import list_records, read_record

ORDER = ("finished", "diverged", "running", "stopped", "failed")
WORDS = {"running": "running elsewhere"}


class ClosingReport(Callback):
    """Prints the report once all runs of a sweep are over, and ends the command with its exit status."""

    @end_quietly()
    def on_multirun_end(self, config: DictConfig, **rest: Any) -> None:
        """Print the report after the last run, and exit; Hydra would turn an `Exception` raised here into a warning."""
        with exit_with_sentence("give the same command again to see the outcome of its runs."):
            status = print_report(Path(config.hydra.sweep.dir))
            _describe_for_tensorboard(Path(config.hydra.sweep.dir))
        sys.exit(status)


def _describe_for_tensorboard(sweep: Path) -> None:
    """Tell TensorBoard which fields vary among the runs beside those of the sweep, if they have event files."""
    folders = [Path(read_record(path).folder) for path in list_records(sweep)]
    outputs = {folder.parent for folder in folders if any(folder.glob("events.out.*"))}
    for output in outputs:
        from letterocr.sweep.hparams_overview import write_overview
        from letterocr.sweep.reader import read_sweep

        with contextlib.suppress(OSError):  # the runs themselves are whole
            write_overview(output, read_sweep(output))


def print_report(sweep: Path) -> int:
    """Print the outcome of each run of a sweep; return the exit status."""
    records = [read_record(path) for path in list_records(sweep)]
    records.sort(key=lambda record: (ORDER.index(record.status), record.overrides))
    counts = Counter(record.status for record in records)
    common = set.intersection(*(set(record.overrides) for record in records)) if len(records) > 1 else set()
    parts = [f"{counts[status]} {WORDS.get(status, status)}" for status in ORDER if counts[status]]
    print(f"Sweep of {len(records)} run{'s' * (len(records) != 1)}: {', '.join(parts)}.")
    for record in records:
        name = " ".join(part for part in record.overrides if part not in common) or Path(record.folder).name
        if record.status != "finished":
            print(f"  {WORDS.get(record.status, record.status)}: {name}: {record.reason or record.folder}")
    if counts["failed"] or counts["running"] or counts["stopped"]:
        print("Give the same command again to train the missing runs.", flush=True)
    return 1 if counts["failed"] else RunningError.status if counts["running"] else 0
