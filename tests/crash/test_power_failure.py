"""A power failure at every moment of a run: from whatever the disk then holds, the same command ends at the same bits.

`make crash` lists the states that a run may leave, as far as `MOST` allows; without LETTEROCR_CRASH a sample of them.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from crash_states import RULES, State, is_temporary, list_crash_states
from disk_record import Names, Step, record_steps
from fake_training import FakeEngine, bits, fake_config, fake_run, fake_search, fake_sweep, faked

from letterocr.base.errors import UserError
from letterocr.base.owner import describe_this_process
from letterocr.run.folder import locate_folder
from letterocr.search.trial_queue import JOURNAL
from letterocr.sweep.ledger import list_records, read_record

ALL = "LETTEROCR_CRASH" in os.environ
MOST = 1024 if ALL else 64  # states of one moment
SAMPLE = 30  # states of one scenario by one rule that are tried, unless all are
OFF = 25.0  # seconds for which the machine was off; it has been on again for `fake_training.UPTIME`
Came = tuple[Any, ...] | Exception  # what the same command came to from a state


def restore(root: Path, state: State) -> None:
    """Put a state in place; the files are older than the machine is on."""
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    then = time.time() - OFF
    for path, content in sorted(state, key=lambda item: item[0]):
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)
            os.utime(root / path, (then, then))


def record(root: Path, do: Callable[[Callable[[object], None]], None]) -> list[Step]:
    with faked("first boot"):
        return record_steps(root, do)


def try_all(
    steps: list[Step],
    go_on: Callable[[State], Came],
    judge: Callable[[list[object], Any], str],
    most: int = MOST,
    sample: int | None = None if ALL else SAMPLE,
) -> None:
    """Go on from the states of each rule; print how many there are, and what came of them.

    Args:
        steps: what was recorded.
        go_on: gives the same command in a state, and says what it came to; states that differ only in temporary
            files are tried once.
        judge: says what that is, for what the user had been told before.
        most: states of one moment; if there are more, they are sampled.
        sample: number of states by each rule that are tried; None: all.
    """
    wrong, came, begun = list[str](), dict[State, Came](), time.process_time()
    print()
    for name, rule in RULES.items():
        states, counts = list(list_crash_states(steps, rule, most)), Counter[str]()
        sampled = sum(not whole for _, whole, _ in states)
        listed = len(states)
        if sample and listed > sample:
            states = random.Random(0).sample(states, sample)
        for told, _, state in states:
            lasting = frozenset(item for item in state if not is_temporary(item[0]))
            if lasting not in came:
                came[lasting] = _try(go_on, state)
            found = came[lasting]
            try:
                if isinstance(found, Exception):
                    raise found
                counts[judge(told, found)] += 1
            except (AssertionError, OSError, UserError) as error:
                counts["WRONG"] += 1
                if counts["WRONG"] < 4:
                    held = sorted(f"{path[-34:]}: {len(content or '')}" for path, content in state)
                    wrong.append(f"{name}, told {told[-1:]}: {type(error).__name__} {error}\n  " + "\n  ".join(held))
        print(f"{name}: {len(states)} of {listed} states, {sampled} of sampled moments: {dict(counts)}")
    print(f"{len(came)} different states were tried, in {time.process_time() - begun:.0f} seconds of processor time")
    assert not wrong, "\n".join(wrong)


def _try(go_on: Callable[[State], Came], state: State) -> Came:
    try:
        return go_on(state)
    except (AssertionError, OSError, UserError) as error:
        return error


def continue_run(root: Path, whole: dict[str, Any], **fields: Any) -> Callable[[State], Came]:
    """Return the check that the same command goes on from a state and ends at the same bits.

    It writes checkpoints at its end alone, as that takes half of the time.
    """

    def go_on(state: State) -> Came:
        restore(root, state)
        with faked("second boot"):
            outcome = fake_run(root / "out" / "runs", checkpoint_seconds=600.0, **fields)
        assert outcome.status == "finished"
        assert bits(outcome.folder) == whole
        left = [path.name for path in outcome.folder.rglob("*") if path.name.startswith((".", "lock"))]
        assert outcome.existed or not left
        return outcome.existed, FakeEngine.begun_at

    return go_on


def judge_run(told: list[object], came: tuple[bool, int]) -> str:
    """Check that nothing is lost that the user was told of."""
    existed, begun_at = came
    told = told[len(told) - told[::-1].index("given up") :] if "given up" in told else told
    assert existed or "finished" not in told
    saved = [sample for sample in told if isinstance(sample, int)]
    assert existed or begun_at >= max(saved, default=0), (begun_at, saved)
    return "existed" if existed else "went on" if begun_at else "began"


@pytest.mark.parametrize("fields", [{}, {"tensorboard": True}], ids=["plain", "tensorboard"])
def test_a_run(root: Path, note_saves: list[Callable[[object], None]], fields: dict[str, Any]) -> None:
    if fields and not ALL:
        pytest.skip("only with LETTEROCR_CRASH")

    def train(mark: Callable[[object], None]) -> None:
        note_saves.append(mark)
        assert fake_run(root / "out" / "runs", **fields).status == "finished"
        mark("finished")
        note_saves.clear()

    steps = record(root, train)
    whole = bits(locate_folder(fake_config(root / "out" / "runs")))
    try_all(steps, continue_run(root, whole, **fields), judge_run)


def test_a_run_that_is_resumed_and_then_trained_again(root: Path, note_saves: list[Callable[[object], None]]) -> None:
    """A run is stopped, goes on, is over, and is trained again with force=true: three commands, one record."""
    output = root / "out" / "runs"

    def train(mark: Callable[[object], None]) -> None:
        note_saves.append(mark)
        assert fake_run(output, watch=lambda curve: curve.sample > 6).status == "pruned"
        assert fake_run(output).status == "finished"
        mark("finished")
        mark("given up")  # from here on the user has asked to lose what there was
        assert fake_run(output, force=True).status == "finished"
        mark("finished")
        note_saves.clear()

    steps = record(root, train)
    try_all(steps, continue_run(root, bits(locate_folder(fake_config(output)))), judge_run)


def test_a_run_that_is_taken_over(root: Path, note_saves: list[Callable[[object], None]]) -> None:
    """Its owner was killed: its lock is there, the next owner makes one with a higher number, and removes the old one.

    Then the machine fails, and is on again for less than the time after which a silent owner counts as dead.
    """
    output = root / "out" / "runs"

    def train(mark: Callable[[object], None]) -> None:
        note_saves.append(mark)
        assert fake_run(output, watch=lambda curve: curve.sample > 6).status == "pruned"
        dead = replace(describe_this_process(), pid=2**22 + 1)
        (locate_folder(fake_config(output)) / "lock.1.json").write_text(json.dumps(asdict(dead)))
        mark("killed")
        assert fake_run(output).status == "finished"
        mark("finished")
        note_saves.clear()

    steps = record(root, train)
    paths = {path for step in steps if isinstance(step, Names) for path, inode in step.changes if inode is not None}
    assert {"lock.1.json", "lock.2.json"} <= {os.path.basename(path) for path in paths}
    try_all(steps, continue_run(root, bits(locate_folder(fake_config(output)))), judge_run)


def test_a_sweep(root: Path) -> None:
    def begin(mark: Callable[[object], None]) -> None:
        fake_sweep(root)
        mark("finished")

    steps = record(root, begin)
    whole = [bits(path.parent) for path in sorted((root / "out").glob("*/result.json"))]

    def go_on(state: State) -> Came:
        restore(root, state)
        with faked("second boot"):
            outcomes = fake_sweep(root, checkpoint_seconds=600.0)
        assert [bits(path.parent) for path in sorted((root / "out").glob("*/result.json"))] == whole
        assert {read_record(path).status for path in list_records(root / "sweep")} == {"finished"}
        return (sum(outcome.existed for outcome in outcomes),)

    def judge(told: list[object], came: tuple[int]) -> str:
        assert came[0] == 2 or "finished" not in told
        return f"{came[0]} existed"

    try_all(steps, go_on, judge, most=MOST // 16)


def test_a_search(root: Path) -> None:
    """A study of three trials by one worker; in half of the states it held both of Optuna's locks (`LOCKS`)."""
    if not ALL:
        pytest.skip("only with LETTEROCR_CRASH, as it takes minutes")
    study = root / "study"

    def begin(mark: Callable[[object], None]) -> None:
        fake_search(study)
        mark("finished")

    steps = record(root, begin)
    with faked("first boot"):
        whole = fake_search(study)

    def go_on(state: State) -> Came:
        over = len([path for path, _ in state if path.endswith("result.json")])
        if study.name in {path for path, _ in state} and next(numbers) % 2:
            state |= {(f"{study.name}/{name}.lock", b"") for name in ("ask", JOURNAL)}
        restore(root, state)
        with faked("second boot"):
            assert fake_search(study) == whole
        return (over,)

    numbers = itertools.count()
    try_all(steps, go_on, lambda told, came: f"{came[0]} runs were over", most=64, sample=100)
