"""Files are whole or not there."""

import json
import os
from pathlib import Path

import pytest

from letterocr.base.files import remove_file, replace_file, write_json, write_text, write_together


def names(folder) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with replace_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent  # a rename is only atomic within one file system
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail_halfway():
        with replace_file(path) as temporary:
            temporary.write_text("ne")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail_halfway()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_folders_are_made_as_needed(tmp_path):
    write_text(tmp_path / "a" / "b" / "file.txt", "x")
    assert (tmp_path / "a" / "b" / "file.txt").read_text() == "x"


def test_a_half_written_temporary_file_of_a_killed_process_is_no_obstacle(tmp_path):
    with replace_file(tmp_path / "file.txt") as temporary:
        temporary.write_text("x")
    temporary.write_text("left over from a process of the same id")
    write_text(tmp_path / "file.txt", "y")
    assert (tmp_path / "file.txt").read_text() == "y"


def test_json_and_text_keep_what_is_beyond_ascii(tmp_path):
    write_text(tmp_path / "t", "α = 0,02 ‖a‖²")
    assert (tmp_path / "t").read_bytes().decode("utf-8") == "α = 0,02 ‖a‖²"
    write_json(tmp_path / "j", {"name": "Übung", "errors": [0.1, None]})
    assert json.loads((tmp_path / "j").read_bytes()) == {"name": "Übung", "errors": [0.1, None]}


def test_files_written_together_take_their_places_together_and_in_order(tmp_path, monkeypatch):
    order = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, path: (order.append(path.name), replace(self, path)))
    with write_together():
        for name in ("c", "a", "b"):
            write_text(tmp_path / name, name)
        with write_together():
            write_text(tmp_path / "d", "d")
        assert not {"a", "b", "c", "d"} & set(names(tmp_path))
    assert order == ["c", "a", "b", "d"]
    assert names(tmp_path) == ["a", "b", "c", "d"]
    assert (tmp_path / "a").read_text() == "a"


@pytest.mark.parametrize("place", ["inside", "fsync"])
def test_if_one_of_them_fails_none_takes_its_place(tmp_path, monkeypatch, place):
    (tmp_path / "a").write_text("old")

    def full(_: int) -> None:
        raise OSError("disk full")

    if place == "fsync":
        monkeypatch.setattr("os.fsync", full)

    def write_two() -> None:
        with write_together():
            write_text(tmp_path / "a", "new")
            write_text(tmp_path / "b", "new")
            if place == "inside":
                full(0)

    with pytest.raises(OSError, match="disk full"):
        write_two()
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"
    monkeypatch.undo()
    write_text(tmp_path / "c", "at once again")
    assert names(tmp_path) == ["a", "c"]


def test_what_is_brought_to_disk_later_is_so_before_the_next_together_ends(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", lambda number: synced.append(os.readlink(f"/proc/self/fd/{number}")))
    write_text(tmp_path / "early", "x", later=True)
    assert names(tmp_path) == ["early"]
    assert not synced
    for _ in range(2):
        with write_together():
            write_text(tmp_path / "file", "y")
    assert sorted(Path(path).name for path in synced if Path(path).name == "early") == ["early"]
    assert len([path for path in synced if not Path(path).is_dir()]) == 3


def test_the_last_file_of_a_block_is_named_when_the_names_of_the_others_are_on_disk(tmp_path, monkeypatch):
    events = []
    replace, flush = Path.replace, os.fsync

    def note(number: int) -> None:
        flush(number)
        path = Path(os.readlink(f"/proc/self/fd/{number}"))
        if path.is_dir() and tmp_path in (path, *path.parents):
            events.append(f"flush {path.relative_to(tmp_path)}")

    monkeypatch.setattr("os.fsync", note)
    monkeypatch.setattr(Path, "replace", lambda self, path: (events.append(path.name), replace(self, path)))
    (tmp_path / "run" / "old").mkdir(parents=True)
    (tmp_path / "run" / "old" / "file").touch()
    with write_together(lambda: events.append("check")):
        with write_together():
            write_text(tmp_path / "run" / "curve", "x")
            write_text(tmp_path / "run" / "new" / "checkpoint", "x")
            remove_file(tmp_path / "run" / "old" / "file")
        write_text(tmp_path / "run" / "result", "x")
        assert not events
    assert [event for event in events if not event.startswith("flush")] == [
        *("check", "curve", "check", "checkpoint", "check", "result"),
        "check",  # before the removal
    ]
    curve, checkpoint, result = (events.index(name) for name in ("curve", "checkpoint", "result"))
    assert "flush run" in events[curve:checkpoint]
    assert {"flush run", "flush run/new"} == set(events[checkpoint + 1 : result - 1])
    assert events[result + 1] == "flush run"
    assert not (tmp_path / "run" / "old" / "file").exists()


def test_a_check_that_fails_keeps_the_old_files(tmp_path):
    (tmp_path / "file").write_text("old")

    def fail() -> None:
        raise ValueError("not mine any more")

    def write() -> None:
        with write_together(fail):
            write_text(tmp_path / "file", "new")
            remove_file(tmp_path / "file")

    with pytest.raises(ValueError, match="not mine"):
        write()
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]
