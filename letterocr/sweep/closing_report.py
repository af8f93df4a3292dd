"""Closing report of a sweep: the outcome of each run, and the exit status of the command.

`conf/config.yaml` names `ClosingReport` as one of Hydra's callbacks, so that it runs after every sweeper and launcher.
"""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from letterocr.base.errors import RunningError, UserError, end_quietly
from letterocr.base.signals import exit_with_sentence
from letterocr.compose.values import refuse_numbers_of_runs
from letterocr.sweep.ledger import Record, clear_records, list_records, read_record

ORDER = ("finished", "diverged", "running", "stopped", "failed")
WORDS = {"running": "running elsewhere", "stopped": "not trained"}
MOST_ROWS = 20  # runs that the report lists


class ClosingReport(Callback):
    """Prints the report once all runs of a sweep are over, and ends the command with its exit status."""

    @end_quietly()
    def on_multirun_start(self, config: DictConfig, **rest: Any) -> None:
        """Check where the sweep writes, and remove what an earlier one left there.

        Hydra would turn an `Exception` raised here into a warning.
        """
        with exit_with_sentence("no run has begun."):
            self.sweep = locate_sweep(config)
            with suppress(OSError):  # the sweeper says why it can't write there
                clear_records(self.sweep)

    @end_quietly()
    def on_multirun_end(self, config: DictConfig, **rest: Any) -> None:
        """Print the report after the last run, and exit."""
        with exit_with_sentence("give the same command again to see the outcome of its runs."):
            status = print_report(self.sweep)
            for output in _list_outputs(self.sweep):
                print(f"Page and table of all runs: letterocr summary {shlex.quote(str(output))}", flush=True)
                _describe_for_tensorboard(output)
        sys.exit(status)


def locate_sweep(config: DictConfig) -> Path:
    """Return the folder of a sweep.

    Args:
        config: Hydra's config of the sweep.

    Raises:
        UserError: the folder, or that of the runs, depends on the number of a run, or on what does not exist.
    """
    HydraConfig.instance().set_config(config)  # for ${hydra:runtime.cwd} and the like
    written: Any = OmegaConf.to_container(config, resolve=False)
    for name, place in (("output", written), ("hydra.sweep.dir", written["hydra"]["sweep"])):
        value = str(place[name.rpartition(".")[2]])
        refuse_numbers_of_runs(name, value)
        try:
            folder = OmegaConf.select(config, name)
        except OmegaConfBaseException as error:
            raise UserError(f"{name}={value}: {str(error).splitlines()[0].rstrip('.')}; write a folder.") from error
    return Path(folder)


def _list_outputs(sweep: Path) -> list[Path]:
    """Return the folders that hold the runs of a sweep."""
    folders = (Path(read_record(path).folder) for path in list_records(sweep))
    return sorted({folder.parent for folder in folders if folder != Path()})  # a run may fail before it has one


def _describe_for_tensorboard(output: Path) -> None:
    """Tell TensorBoard which fields vary among the runs of a folder, if they have event files."""
    if not any(output.glob("*/events.out.*")):
        return
    from letterocr.sweep.hparams_overview import write_overview
    from letterocr.sweep.reader import read_sweep

    with suppress(OSError):  # the runs themselves are whole
        write_overview(output, read_sweep(output))


def print_report(sweep: Path) -> int:
    """Print the outcome of each run of a sweep; return the exit status."""
    records = [read_record(path) for path in list_records(sweep)]
    if not records:
        raise UserError(f"{sweep} holds no record of a run: no run of this sweep has begun.")
    records.sort(key=lambda record: (ORDER.index(record.status), record.overrides))
    counts = Counter(record.status for record in records)
    parts = [f"{counts[status]:,} {WORDS.get(status, status)}" for status in ORDER if counts[status]]
    print(f"Sweep of {len(records):,} run{'s' * (len(records) != 1)}: {', '.join(parts)}{_count_existing(records)}.")
    _list_unfinished(records)
    if counts["failed"] or counts["running"] or counts["stopped"]:
        print("Give the same command again to train the missing runs.", flush=True)
    return 1 if counts["failed"] else RunningError.status if counts["running"] else 0


def _count_existing(records: Sequence[Record]) -> str:
    """Return what the report says of runs that were over before."""
    existed = sum(record.existed for record in records)
    if not existed:
        return ""
    return f"; {existed:,} existed already" if existed < len(records) else "; nothing to train without force=true"


def _list_unfinished(records: Sequence[Record]) -> None:
    """Print a line for each run that has no result or diverged, at most `MOST_ROWS` lines."""
    common = set.intersection(*(set(record.overrides) for record in records)) if len(records) > 1 else set()
    unfinished = [record for record in records if record.status not in ("finished", "stopped")]
    for record in unfinished[:MOST_ROWS]:
        name = " ".join(part for part in record.overrides if part not in common) or Path(record.folder).name
        print(f"  {WORDS.get(record.status, record.status)}: {name}: {record.reason or record.folder}")
    if unfinished[MOST_ROWS:]:
        output = Path(unfinished[-1].folder).parent
        print(f"  and {len(unfinished) - MOST_ROWS:,} more, which `letterocr summary {output}` lists")
