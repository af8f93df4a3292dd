"""Searches in this process, and what a study's folder holds."""

from __future__ import annotations

import contextlib
from pathlib import Path
from unittest import mock

import optuna
import pytest
from tiny import tiny

from letterocr.search.__main__ import main
from letterocr.search.trial_queue import open_study

QUICK = ("tensorboard=false", "samples=60")


def search(folder: Path, *arguments: str, space: str = "learning_rate", trials: int = 3, page: bool = False) -> int:
    """The command in this process, without the second that its page takes; its exit status."""
    given = [f"search={space}", *tiny(*QUICK), f"output={folder}", "--trials", str(trials), *arguments]
    without = contextlib.nullcontext() if page else mock.patch("letterocr.search.study_page.write_report")
    with without, pytest.raises(SystemExit) as end:
        main(given)
    return int(end.value.code or 0)


def trials_of(folder: Path) -> list[optuna.trial.FrozenTrial]:
    return open_study(folder).get_trials()


def runs_of(folder: Path) -> dict[str, int]:
    """When each run of the study was over, by its folder's name."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("runs/*/result.json")}


def space_file(tmp_path: Path, text: str) -> str:
    (tmp_path / "own.yaml").write_text(text)
    return str(tmp_path / "own.yaml")
