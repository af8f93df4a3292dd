"""Outcome of a run, and what the run folder tells before any letter is read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from letterocr.base.errors import UserError
from letterocr.base.files import read_json
from letterocr.config.check import check_config
from letterocr.config.train import TrainConfig
from letterocr.run.lock import Lock


@dataclass(frozen=True)
class Outcome:
    """Outcome of a run.

    Attributes:
        status: `finished`, `diverged`, or with a checkpoint `stopped` (by a signal) or `pruned` (by `watch`).
        folder: the run folder.
        error: final test error, the median over replicas; 1.0 if the run diverged.
        message: a closing sentence, or empty.
        signal: number of the signal that came during the training, or 0.
        existed: whether the run was over before, so that nothing was trained.
    """

    status: str
    folder: Path
    error: float
    message: str = ""
    signal: int = 0
    existed: bool = False


def look_up_outcome(config: TrainConfig, folder: Path) -> Outcome | None:
    """Return the outcome of a run that is over already; None if there is something to train.

    Args:
        config: config of the run.
        folder: the run folder.

    Raises:
        RunningError: another process trains this run.
        UserError: what the user can mend.
    """
    check_config(config)
    if os.path.lexists(folder / "result.json") and not config.force:
        return read_outcome(folder)
    Lock(folder).refuse()
    has_unfinished_run(config, folder)
    return None


def has_unfinished_run(config: TrainConfig, folder: Path) -> bool:
    """Return whether the folder holds an unfinished run.

    Raises:
        UserError: it does, and the command says neither resume=true nor force=true.
    """
    found = not os.path.lexists(folder / "result.json") and any(folder.glob("checkpoints/*.json"))
    if found and config.resume == "false" and not config.force:
        raise UserError(f"{folder} holds an unfinished run: go on with resume=true, or start again with force=true.")
    return found


def read_outcome(folder: Path) -> Outcome:
    """Read the outcome of a run that is over.

    Raises:
        UserError: result.json is damaged.
    """
    result = read_json(folder / "result.json")
    try:
        status, error = str(result["status"]), float(result["error"])
    except (KeyError, TypeError, ValueError) as wrong:
        raise UserError(f"{folder / 'result.json'} is damaged; remove it and give the command again.") from wrong
    message = f"This run exists already ({status}): {folder}. Train it again with force=true."
    return Outcome(status, folder, error, message, existed=True)
