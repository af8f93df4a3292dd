"""The rules of what a disk keeps: on programs of a few calls, and on the fault that ALICE found in LevelDB."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from crash_states import RULES, State, list_crash_states
from disk_record import FOLDER, Flush, Mark, Names, Step, Write, record_steps
from fake_training import fake_run, faked

MADE, WRITTEN = Names((("a", 1),)), Write(1, b"newer!")
BROKEN = {b"", b"new", b"new\0\0\0"}  # what may be left of it


def leave(steps: list[Step], rule: str) -> list[dict[str, bytes | None]]:
    """What a power failure after the last step may leave."""
    marked = list_crash_states([*steps, Mark("end")], RULES[rule], 1024)
    return [dict(state) for told, _, state in marked if told]


@pytest.mark.parametrize("rule", RULES)
def test_a_file_that_is_not_flushed_may_be_empty_and_has_zeros_only_where_its_size_comes_first(rule: str) -> None:
    found = {left["a"] for left in leave([MADE, WRITTEN], rule) if "a" in left}
    assert found == (BROKEN | {b"newer!"}) - ({b"new\0\0\0"} if rule == "ext4" else set())


@pytest.mark.parametrize("rule", RULES)
def test_a_file_that_replaces_another_is_whole_without_a_flush_only_on_ext4(rule: str) -> None:
    old = [Names((("a", 0),)), Write(0, b"older"), Flush(0), Flush("")]
    steps = [*old, Names(((".a", 1),)), WRITTEN, Names(((".a", None), ("a", 1)))]
    assert {left["a"] for left in leave(steps, rule)} == {b"older", b"newer!"} | (set() if rule == "ext4" else BROKEN)


@pytest.mark.parametrize("rule", RULES)
def test_a_flush_of_a_file_keeps_its_name_where_names_are_in_a_journal(rule: str) -> None:
    left = leave([MADE, WRITTEN, Flush(1)], rule)
    assert [content for content in left if content] == [{"a": b"newer!"}]
    assert ({} in left) == (rule == "posix")
    assert leave([MADE, WRITTEN, Flush(1), Flush("")], rule) == [{"a": b"newer!"}]


@pytest.mark.parametrize(("rule", "kept"), [("posix", False), ("ext4", True), ("writeback", True), ("xfs", False)])
def test_a_flush_of_another_folder_keeps_a_later_name_only_if_it_writes_the_whole_journal(
    rule: str, kept: bool
) -> None:
    steps = [Names((("folder", FOLDER),)), Flush(""), Names((("folder/b", 2),)), MADE, Flush("folder")]
    assert all("a" in left for left in leave(steps, rule)) == kept
    assert all("folder/b" in left for left in leave(steps, rule))


@pytest.mark.parametrize("rule", RULES)
def test_the_second_of_two_renames_comes_without_the_first_only_by_posix(rule: str) -> None:
    steps = [MADE, Names((("b", 2),)), Flush(1), Flush(2), Flush("")]
    steps += [Names((("a", None), ("c", 1))), Names((("b", None), ("d", 2)))]
    found = {"".join(sorted(left)) for left in leave(steps, rule)}
    assert found == {"ab", "bc", "cd"} | ({"ad"} if rule == "posix" else set())


def lacks_checkpoint(told: list[object], state: State) -> bool:
    """Whether a checkpoint that was told of, or a later one, is not there by its names."""
    names = {os.path.basename(path) for path, _ in state}
    whole = [int(name[:12]) for name in names if name.endswith(".json") and name[:12].isdigit()]
    whole = [sample for sample in whole if f"{sample:012d}.safetensors" in names]
    saved = max((sample for sample in told if isinstance(sample, int)), default=0)
    return max(whole, default=0) < saved and "result.json" not in names


@pytest.mark.parametrize("flushed", [True, False])
def test_an_older_checkpoint_is_not_removed_before_the_name_of_the_newer_one_is_on_disk(
    root: Path, note_saves: list[Callable[[object], None]], monkeypatch: pytest.MonkeyPatch, flushed: bool
) -> None:
    """The fault that ALICE found in LevelDB; without flushes of folders the states show it, so that they can."""
    if not flushed:
        monkeypatch.setattr("letterocr.base.files._flush_folder", lambda folder: None)

    def train(mark: Callable[[object], None]) -> None:
        note_saves.append(mark)
        assert fake_run(root / "out" / "runs").status == "finished"
        note_saves.clear()

    with faked("first boot"):
        steps = record_steps(root, train)
    states = list(list_crash_states(steps, RULES["posix"], 256))
    lacking = sum(lacks_checkpoint(told, state) for told, _, state in states)
    assert (lacking == 0) == flushed, f"{lacking} of {len(states)}"
