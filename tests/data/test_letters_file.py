"""The synthetic letters in the user's cache folder: the same letters, whoever writes, whatever is damaged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import random_letters

from letterocr.config.data import SyntheticConfig
from letterocr.data import letters_file, synthetic
from letterocr.data.letters import Letters, Split

CONFIG = SyntheticConfig(train_per_letter=40, test_per_letter=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "letterocr"


def assert_same_letters(one: Split, other: Split) -> None:
    for part, same in ((one.train, other.train), (one.test, other.test)):
        for name in ("images", "labels", "writers"):
            assert torch.equal(getattr(part, name), getattr(same, name))
            assert getattr(part, name).dtype == getattr(same, name).dtype


def load_anew() -> Split:
    synthetic._load_cached.cache_clear()
    return synthetic.load_once(CONFIG)


def test_letters_that_are_read_are_those_that_were_drawn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = load_anew()
    (path,) = folder.iterdir()
    monkeypatch.setattr(synthetic, "load", lambda config: pytest.fail("they are drawn again"))
    assert_same_letters(load_anew(), drawn)
    assert_same_letters(synthetic.Split(drawn.train, drawn.test), load_anew())
    path.write_bytes(path.read_bytes()[:1000])
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent))
    assert_same_letters(load_anew(), drawn)
    assert path.stat().st_size > 1000


def test_other_configs_and_versions_have_files_of_their_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = letters_file._compute_key("one")
    assert key == letters_file._compute_key("one") != letters_file._compute_key("other")
    monkeypatch.setattr(letters_file, "MAKERS", ("pen.py",))
    assert letters_file._compute_key("one") != key


def letters_with_writers(count: int) -> Letters:
    letters = random_letters(count, seed=0)
    return Letters((letters.images * 255).round() / 255, letters.labels, torch.arange(count))


def test_few_letters_are_not_kept(folder: Path) -> None:
    few = Split(letters_with_writers(20), letters_with_writers(10))
    assert letters_file.read_or_draw("few", lambda: few) is few
    assert not folder.exists()


def test_a_folder_that_can_not_be_written_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    many = Split(letters_with_writers(1000), letters_with_writers(10))
    assert letters_file.read_or_draw("many", lambda: many) is many


def test_without_a_home_folder_the_letters_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters_file, "find_cache_folder", lambda: None)
    many = Split(letters_with_writers(1000), letters_with_writers(10))
    assert letters_file.read_or_draw("many", lambda: many) is many


def test_processes_that_write_at_once_leave_whole_files(folder: Path) -> None:
    code = (
        "from letterocr.config.data import SyntheticConfig; from letterocr.data import synthetic; "
        f"print(synthetic.load_once({CONFIG!r}).fingerprint())"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {process.communicate(timeout=120)[0] for process in processes}
    assert len(said) == 1
    assert said == {load_anew().fingerprint() + "\n"}
    assert [path.suffix for path in folder.iterdir()] == [".npz"]
