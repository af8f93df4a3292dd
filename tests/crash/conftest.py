"""What the tests of crashes share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_training import quick_folder

from letterocr.run.session import Session


@pytest.fixture
def root() -> Iterator[Path]:
    folder = quick_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def note_saves(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[object], None]]:
    """Tell the first function in the list, if any, of each checkpoint that a session has written."""
    tell, save = [], Session._save

    def save_and_tell(self: Session) -> None:
        save(self)
        if tell and not self.learning.is_over():
            tell[0](self.learning.engine.sample)

    monkeypatch.setattr(Session, "_save", save_and_tell)
    return tell
