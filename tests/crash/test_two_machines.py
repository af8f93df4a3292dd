"""Two machines share a folder: each has a host name, a network, process numbers and a clock of its own.

`scripts/nfs_machine.sh` runs these tests over a real NFS export, which the machines mount; otherwise the folder is on
a disk of this machine, which both see at once.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from elsewhere import EXPORT, NFS, SHARED, can_be_elsewhere, start_elsewhere
from studies import search, trials_of
from tiny import assert_same_bits, command, finish, folders, tiny

MACHINES = {"near": 0.0, "far": 60.0}  # their clocks, in seconds
TIMES = 200 if "LETTEROCR_CRASH" in os.environ else 25  # that each machine takes the lock
pytestmark = pytest.mark.skipif(not can_be_elsewhere(), reason="needs to be root, to make namespaces")


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder, as this process sees it, and as the two machines do."""
    if NFS not in os.environ:
        yield tmp_path, tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=os.environ[EXPORT]))
    yield folder, SHARED / folder.name
    shutil.rmtree(folder)


def run_on_both(*command: str) -> list[str]:
    """Run the same command on both machines at the same time; what each of them printed to its end.

    A sweep ends with the status EX_TEMPFAIL if the other machine is still at one of its runs.
    """
    processes = [start_elsewhere(name, ahead, *command) for name, ahead in MACHINES.items()]
    answers = [finish(process, seconds=600) for process in processes]
    assert [answer.err for answer in answers] == ["", ""]
    assert {answer.status for answer in answers} in ({0}, {0, os.EX_TEMPFAIL}), answers
    return [answer.out for answer in answers]


def test_of_two_machines_one_holds_the_lock(shared: tuple[Path, Path]) -> None:
    here, there = shared
    refused = run_on_both("contend_for_lock", str(there / "run"), str(TIMES))
    print("\nrefused:", *refused)
    assert (here / "counter").read_text() == str(2 * TIMES)
    assert not list(here.glob("run/*"))


def test_two_machines_share_a_sweep_and_train_each_run_once(shared: tuple[Path, Path], tmp_path: Path) -> None:
    here, there = shared
    sweep = [*tiny("samples=300"), "seed=1,2,3", "launcher=local", "hydra.launcher.n_jobs=1"]
    outs = run_on_both("letterocr.train", *sweep, f"output={there / 'runs'}", f"hydra.sweep.dir={there / 'sweep'}")
    assert command(*sweep, f"output={tmp_path / 'one'}", f"hydra.sweep.dir={tmp_path / 'one-sweep'}").status == 0
    runs, same = folders(here / "runs"), folders(tmp_path / "one")
    assert sorted(runs) == sorted(same) == [1, 2, 3]
    for seed, folder in runs.items():
        assert_same_bits(folder, same[seed])
        assert len(list(folder.glob("events.out.*"))) == 1, outs  # each process that trains a run begins one
        assert not list(folder.glob("*lock*"))


def test_two_machines_share_a_search_and_train_each_trial_once(shared: tuple[Path, Path], tmp_path: Path) -> None:
    """Five trials: these values depend on their numbers alone, as no sampler and no pruner has begun its work."""
    here, there = shared
    given = ["search=learning_rate", *tiny("samples=100"), f"output={there / 's'}", "--trials", "5"]
    outs = run_on_both("letterocr.search", *given)
    assert search(tmp_path / "one", "samples=100", "tensorboard=true", trials=5) == 0
    trials, same = trials_of(here / "s"), trials_of(tmp_path / "one")
    assert [(t.state.name, t.params, t.value) for t in trials] == [(t.state.name, t.params, t.value) for t in same]
    assert sorted(re.findall(r"trial (\d+):", "".join(outs))) == list("01234")
    for trial in trials:
        folder = here / "s" / "runs" / trial.user_attrs["run"]
        assert_same_bits(folder, tmp_path / "one" / "runs" / trial.user_attrs["run"])
        assert len(list(folder.glob("events.out.*"))) == 1
