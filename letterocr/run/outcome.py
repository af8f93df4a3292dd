"""What became of a run, and what is known of it before any letter is read."""

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
    """What became of a run.

    Attributes:
        status: finished, diverged, or with a checkpoint stopped (by a signal) or pruned (by `watch`).
        folder: the run folder.
        error: final test error, the median over replicas; 1.0 if the run diverged.
        message: a closing sentence, or empty.
        signal: the signal that came while it trained, or 0.
    """

    status: str
    folder: Path
    error: float
    message: str = ""
    signal: int = 0


def look_up_outcome(config: TrainConfig, folder: Path) -> Outcome | None:
    """What became of a run that is over already; None if there is something to train.

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
    """Whether there is a run to go on with.

    Raises:
        UserError: there is, and the command does not say what to do with it.
    """
    found = not os.path.lexists(folder / "result.json") and any(folder.glob("checkpoints/*.json"))
    if found and config.resume == "false" and not config.force:
        raise UserError(f"{folder} holds an unfinished run: go on with resume=true, or start anew with force=true.")
    return found


def read_outcome(folder: Path) -> Outcome:
    """What became of a run that is over.

    Raises:
        UserError: its result is damaged.
    """
    result = read_json(folder / "result.json")
    try:
        status, error = str(result["status"]), float(result["error"])
    except (KeyError, TypeError, ValueError) as wrong:
        raise UserError(f"{folder / 'result.json'} is damaged; remove it and give the command again.") from wrong
    message = f"This run is there already ({status}): {folder}. Train it again with force=true."
    return Outcome(status, folder, error, message)
