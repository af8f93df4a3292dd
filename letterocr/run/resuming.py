"""Resuming a run: reading its environment.json, its newest whole checkpoint and its curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from letterocr.base.errors import UserError
from letterocr.base.files import read_json
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.engine.engine import Engine
from letterocr.run import checkpoint
from letterocr.run.curve import Curve


def read_start(folder: Path) -> dict[str, Any]:
    """Read `environment.json`, the facts that were stored when the run began.

    Raises:
        UserError: the file is damaged.
    """
    return read_json(folder / "environment.json")


def read_learning_rates(config: TrainConfig, folder: Path, start: dict[str, Any]) -> list[float] | None:
    """Return the learning rate of each replica that a run with `learning_rate=auto` began with, exact to the bit.

    Args:
        config: config of the run.
        folder: the run folder.
        start: the facts that `read_start` returned.

    Returns:
        The learning rates [R]; None if `learning_rate` is not `auto`.

    Raises:
        UserError: `environment.json` lacks them.
    """
    if config.learning_rate != "auto":
        return None
    rates = start.get("learning_rates")
    if not isinstance(rates, list) or [type(rate) for rate in rates] != [float] * config.replicas:
        path = folder / "environment.json"
        raise UserError(f"{path} lacks the learning_rates of the run: start again with force=true.")
    return rates


def check_letters(config: TrainConfig, split: Split, folder: Path, start: dict[str, Any]) -> None:
    """Raise UserError if the letters are not the letters that the run began with.

    Args:
        config: config of the run.
        split: training and test letters.
        folder: the run folder.
        start: the facts that `read_start` returned.
    """
    letters = split.fingerprint()
    if start.get("letters", letters) != letters:
        raise UserError(f"The letters of data={config.data.name} changed since {folder} began: use force=true.")


def take_up(folder: Path, engine: Engine, curve: Curve) -> tuple[dict[str, Any], list[str]]:
    """Load the newest whole checkpoint into the engine, and the curve up to it.

    Args:
        folder: the run folder.
        engine: engine at sample 0.
        curve: empty curve of the run.

    Returns:
        The facts stored with the checkpoint, and a sentence for each newer checkpoint that is damaged.

    Raises:
        UserError: there is no whole checkpoint, it was written by another version, or the curve is missing or damaged.
    """
    try:
        facts, tensors, damaged = checkpoint.load(folder / "checkpoints", torch.device("cpu"))
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no whole checkpoint: start again with force=true.") from error
    try:
        _check_facts(facts)
        engine.load_state(facts["sample"], tensors)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{folder} is a run of another version: start again with force=true.") from error
    path = folder / "curve.parquet"
    try:
        curve.load(path, facts["sample"])
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path} is missing or damaged: start again with force=true.") from error
    return facts, damaged


def _check_facts(facts: dict[str, Any]) -> None:
    """Raise an error if the facts of a checkpoint are not of the types that the run needs."""
    diverged = facts["diverged"]
    if not isinstance(facts["seconds"], float | int) or not all(type(last) is int for last in diverged.values()):
        raise TypeError("seconds or diverged")
    [int(replica) for replica in diverged]
