"""Files are whole or not there."""

import json

import pytest

from letterocr.files import replacing, write_json, write_text


def names(folder) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent  # a rename is only atomic within one file system
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail_halfway():
        with replacing(path) as temporary:
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
    with replacing(tmp_path / "file.txt") as temporary:
        temporary.write_text("x")
    temporary.write_text("left over from a process of the same id")
    write_text(tmp_path / "file.txt", "y")
    assert (tmp_path / "file.txt").read_text() == "y"
    assert names(tmp_path) == ["file.txt"]


def test_json_and_text_keep_what_is_beyond_ascii(tmp_path):
    write_text(tmp_path / "t", "α = 0,02 ‖a‖²")
    assert (tmp_path / "t").read_bytes().decode("utf-8") == "α = 0,02 ‖a‖²"
    write_json(tmp_path / "j", {"name": "Übung", "errors": [0.1, None]})
    assert json.loads((tmp_path / "j").read_bytes()) == {"name": "Übung", "errors": [0.1, None]}
