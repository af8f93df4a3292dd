"""Missing runs of a sweep: find them, launch them, and record those without a result as failed."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from letterocr.base.errors import UserError
from letterocr.config.train import TrainConfig
from letterocr.run.outcome import Outcome
from letterocr.sweep.attempt import Read, look_up_attempt
from letterocr.sweep.ledger import find_record, is_stopped, list_records, locate_record, write_failure, write_record

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from hydra.core.utils import JobReturn
    from hydra.types import HydraContext
    from omegaconf import DictConfig


@dataclass(frozen=True)
class MissingRun:
    """A run that a sweep has to train.

    Attributes:
        overrides: name of the run in the report.
        config: its config.
        folder: its run folder.
    """

    overrides: list[str]
    config: TrainConfig
    folder: Path


Start = Callable[[Sequence[MissingRun], Path], dict[int, str]]
"""Trains the runs of the sweep in a folder and waits for them; returns by index why runs have no record."""


def launch(
    context: HydraContext, config: DictConfig, job_overrides: Sequence[Sequence[str]], start: Start
) -> list[JobReturn]:
    """Launch the missing runs, each once, and return Hydra's results of all runs, in order.

    Args:
        context: Hydra's context, which composes the configs.
        config: Hydra's config of the sweep.
        job_overrides: the overrides of each run.
        start: trains the missing runs.

    Raises:
        HydraException: the config of a run cannot be composed; none of these runs has started.
    """
    sweep = Path(str(config.hydra.sweep.dir))
    asked = [list(overrides) for overrides in job_overrides]
    missing: dict[Path, MissingRun] = {}
    same: dict[int, list[str]] = {}  # number of a run: the overrides of the first run that is the same
    for number, overrides in enumerate(asked):
        read = make_reader(context, config, overrides)
        if look_up_attempt(read, overrides, sweep) is None:
            run_config, folder = read()
            same[number] = missing.setdefault(folder, MissingRun(overrides, run_config, folder)).overrides
    if missing:
        print(f"{len(missing):,} of {len(asked):,} runs to train.", flush=True)
        _train_missing(list(missing.values()), sweep, start)
    return [_make_return(sweep, overrides, same.get(number, overrides)) for number, overrides in enumerate(asked)]


def check_values(overrides: Sequence[Override]) -> None:
    """Refuse a sweep over nothing, and over a range of all numbers.

    Args:
        overrides: the overrides of the sweep.

    Raises:
        UserError: names the override.
    """
    for override in overrides:
        if override.is_sweep_override() and not override.is_discrete_sweep():
            mend = "give single values, or let `letterocr search` choose them"
            raise UserError(f"{override.input_line}: a sweep can't take every number of a range; {mend}.")
        if override.is_sweep_override() and not any(True for _ in override.sweep_string_iterator()):
            raise UserError(f"{override.input_line}: gives no value, so there is no run in this sweep.")


def make_reader(context: HydraContext, config: DictConfig, overrides: list[str]) -> Read:
    """Return a function that reads the config of one run as the run's own process would.

    Args:
        context: Hydra's context, which composes the configs.
        config: Hydra's config of the sweep.
        overrides: the overrides of the run.

    Raises:
        HydraException: the config cannot be composed.
    """
    from omegaconf import open_dict

    from letterocr.run.folder import locate_run

    cfg = context.config_loader.load_sweep_config(config, overrides)
    with open_dict(cfg):
        del cfg["hydra"]
    return functools.cache(functools.partial(locate_run, cfg, overrides))


def _train_missing(runs: list[MissingRun], sweep: Path, start: Start) -> None:
    paths = [locate_record(sweep, run.overrides) for run in runs]
    for path in list_records(sweep) & set(paths):
        path.unlink(missing_ok=True)  # the record of an earlier try
    reasons = {} if is_stopped(sweep) else start(runs, sweep)
    written = list_records(sweep)
    for number, (path, run) in enumerate(zip(paths, runs, strict=True)):
        if path not in written and is_stopped(sweep):
            write_record(sweep, run.overrides, Outcome("stopped", run.folder, math.nan))
        elif path not in written:
            reason = reasons.get(number, "its process ended without a message.")
            write_failure(run.folder, run.overrides, reason)
            write_record(sweep, run.overrides, Outcome("failed", run.folder, math.nan, reason))


def _make_return(sweep: Path, overrides: list[str], recorded_as: list[str]) -> JobReturn:
    from hydra.core.utils import JobReturn, JobStatus

    record = find_record(sweep, recorded_as)
    made = JobReturn(overrides=overrides, status=JobStatus.COMPLETED)
    made.return_value = math.nan if record is None or record.error is None else record.error
    return made
