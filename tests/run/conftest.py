"""Runs that several test files of this folder read, each trained once."""

from __future__ import annotations

from pathlib import Path

import pytest
from cut_runs import stop_after
from tiny import command, run_folder, tiny


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing interrupted; only to be read or copied."""
    output = tmp_path_factory.mktemp("whole")
    answer = command(*tiny(f"output={output}"))
    assert answer.status == 0, answer.err
    return run_folder(output)


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was stopped at its third checkpoint; only to be read or copied."""
    output = tmp_path_factory.mktemp("stopped")
    stop_after(3, *tiny(f"output={output}"))
    return run_folder(output)
