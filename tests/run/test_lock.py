"""At most one process trains a run; the dead, here and elsewhere, do not keep others from it."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from helpers import one_sentence

from letterocr.base import heartbeat
from letterocr.base.errors import RunningError, UserError
from letterocr.base.heartbeat import DEAD_SECONDS, is_alive
from letterocr.base.owner import Owner, describe_this_process, read_start_time
from letterocr.run import lock
from letterocr.run.lock import Lock

REPOSITORY = Path(__file__).resolve().parents[2]
HOLD = """
import pathlib, sys
from letterocr.base.errors import RunningError
from letterocr.run.lock import Lock
folder, go = map(pathlib.Path, sys.argv[1:])
while not go.exists():
    pass
try:
    with Lock(folder):
        print("won", flush=True)
        sys.stdin.read()
except RunningError as error:
    print(error, flush=True)
"""


FAR = ["unshare", "--uts", "--pid", "--mount-proc", "--fork", "--kill-child", "sh", "-c"]
FAR += ['hostname far && exec "$@"', "sh"]  # a machine name and process numbers of its own


def contender(folder: Path, go: Path, where: Sequence[str] = ()) -> subprocess.Popen[str]:
    """A process that asks for the lock once `go` is there, and keeps it until its input ends."""
    command = [*where, sys.executable, "-c", HOLD, str(folder), str(go)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def leave(folder: Path, owner: Owner | None, number: int = 1, silent: float = 0) -> Path:
    """A lock as that owner would leave it, touched that many seconds ago."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"lock.{number}.json"
    path.write_text("" if owner is None else json.dumps(asdict(owner)))
    os.utime(path, (time.time() - silent, time.time() - silent))
    return path


def elsewhere(**facts) -> Owner:
    return replace(describe_this_process(), host="far", system="other", **facts)


def locks(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*lock*"))


def test_who_asks_second_is_told_in_one_sentence_who_is_on_it(tmp_path):
    with Lock(tmp_path):
        for ask in (Lock(tmp_path).refuse, Lock(tmp_path).__enter__):
            with pytest.raises(RunningError) as refusal:
                ask()
            one_sentence(
                refusal.value, str(tmp_path), f"process {os.getpid()} on {describe_this_process().host}, since "
            )
        assert locks(tmp_path) == ["lock.1.json"]
    assert locks(tmp_path) == []
    Lock(tmp_path).refuse()
    with Lock(tmp_path):
        pass


def test_asking_later_may_help_so_its_status_is_not_that_of_a_mistake():
    assert issubclass(RunningError, UserError)
    assert (UserError.status, RunningError.status) == (2, os.EX_TEMPFAIL)


def test_a_folder_that_stays_empty_is_gone_again(tmp_path):
    folder = tmp_path / "out" / "run"
    with Lock(folder):
        assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []
    with Lock(folder):
        (folder / "kept").touch()
    assert [path.name for path in folder.iterdir()] == ["kept"]
    (tmp_path / "old").mkdir()
    with Lock(tmp_path / "old"):
        pass
    assert (tmp_path / "old").is_dir()


@pytest.mark.parametrize("stale", [False, True], ids=["new", "stale"])
def test_of_many_processes_at_once_one_gets_it(tmp_path, stale):
    folder, go = tmp_path / "run", tmp_path / "go"
    if stale:
        leave(folder, replace(describe_this_process(), started="1"), number=3)
    processes = [contender(folder, go) for _ in range(6)]
    time.sleep(0.3)
    go.touch()
    answers = [process.stdout.readline().strip() for process in processes]
    assert answers.count("won") == 1
    pid = processes[answers.index("won")].pid
    assert all(f"process {pid} on" in answer for answer in answers if answer != "won")
    assert locks(folder) == ["lock.4.json" if stale else "lock.1.json"]
    for process in processes:
        process.communicate(timeout=60)


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    (tmp_path / "go").touch()
    process = contender(tmp_path, tmp_path / "go")
    assert process.stdout.readline() == "won\n"
    with pytest.raises(RunningError, match=f"process {process.pid} "):
        Lock(tmp_path).refuse()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with Lock(tmp_path):
        assert locks(tmp_path) == ["lock.2.json"]
    assert locks(tmp_path) == []


def test_a_process_number_that_was_given_again_is_not_the_owner():
    owner = describe_this_process()
    assert owner.started == read_start_time(os.getpid()) != ""
    assert is_alive(owner, silent=1e9)  # it need not touch its lock where it can be seen
    assert not is_alive(replace(owner, started=str(int(owner.started) - 1)), silent=0)
    assert not is_alive(replace(owner, pid=2**22 + 1), silent=0)


def test_without_start_times_a_process_number_is_enough():
    owner = replace(describe_this_process(), started="")
    assert is_alive(owner, silent=1e9)
    assert not is_alive(replace(owner, pid=2**22 + 1), silent=0)


@pytest.fixture(scope="module")
def far() -> list[str]:
    """What makes a command run as if on another machine that shares the folders."""
    if os.geteuid() or subprocess.run([*FAR, "true"], capture_output=True).returncode:
        pytest.skip("needs to be root, to give a process a machine name and process numbers of its own")
    return FAR


@pytest.mark.parametrize("stale", [False, True], ids=["new", "stale"])
def test_of_processes_of_two_machines_one_gets_it(tmp_path, far, stale):
    folder, go = tmp_path / "run", tmp_path / "go"
    if stale:
        leave(folder, elsewhere(), silent=DEAD_SECONDS + 20)
    processes = [contender(folder, go, where) for where in ([], far) * 3]
    time.sleep(1)  # all of them wait
    go.touch()
    answers = [process.stdout.readline().strip() for process in processes]
    assert answers.count("won") == 1
    host = "far" if answers.index("won") % 2 else describe_this_process().host
    assert all(f" on {host}, since " in answer for answer in answers if answer != "won")
    assert locks(folder) == ["lock.2.json" if stale else "lock.1.json"]
    for process in processes:
        process.communicate(timeout=60)
    Lock(folder).refuse()


def test_who_is_killed_on_another_machine_is_waited_for_and_then_followed(tmp_path, far):
    (tmp_path / "go").touch()
    process = contender(tmp_path, tmp_path / "go", far)
    assert process.stdout.readline() == "won\n"
    process.kill()
    process.wait()  # --kill-child: from here on the owner is killed too; the end of its input would let it go in peace
    process.communicate()
    with pytest.raises(RunningError) as refusal:
        Lock(tmp_path).refuse()
    one_sentence(refusal.value, " on far, since ", "(if it was killed there, give the command again in 120 seconds).")
    os.utime(tmp_path / "lock.1.json", (time.time(), time.time() - DEAD_SECONDS - 1))
    with Lock(tmp_path):
        assert locks(tmp_path) == ["lock.2.json"]


def test_an_owner_elsewhere_lives_as_long_as_it_touches_its_lock(tmp_path):
    leave(tmp_path, elsewhere(job="17"), silent=DEAD_SECONDS - 20)
    with pytest.raises(RunningError) as refusal:
        Lock(tmp_path).refuse()
    one_sentence(
        refusal.value,
        "on far, SLURM job 17, since ",
        "(if it was killed there, give the command again in 120 seconds).",
    )
    leave(tmp_path, elsewhere(job="17"), silent=DEAD_SECONDS + 20)
    with Lock(tmp_path):
        assert locks(tmp_path) == ["lock.2.json"]


def test_a_job_that_was_queued_again_is_not_kept_out_by_itself(tmp_path, monkeypatch):
    leave(tmp_path, elsewhere(job="17", restarts=0))
    monkeypatch.delenv("SLURM_ARRAY_JOB_ID", raising=False)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    with pytest.raises(RunningError):  # another task of the same job
        Lock(tmp_path).refuse()
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    with Lock(tmp_path):
        (path,) = tmp_path.glob("lock.*.json")
        facts = json.loads(path.read_text())
        assert (facts["job"], facts["restarts"]) == ("17", 1)
    leave(tmp_path, elsewhere(job="18", restarts=0))
    with pytest.raises(RunningError):
        Lock(tmp_path).refuse()


def test_a_task_of_an_array_is_named_as_scancel_wants_it(monkeypatch):
    for name, value in {"JOB_ID": "19", "ARRAY_JOB_ID": "17", "ARRAY_TASK_ID": "3"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert describe_this_process().job == "17_3"


def test_a_lock_that_can_not_be_read_is_respected_while_it_is_young(tmp_path):
    leave(tmp_path, None)
    with pytest.raises(RunningError, match="by another process"):
        Lock(tmp_path).refuse()
    leave(tmp_path, None, silent=DEAD_SECONDS + 20)
    Lock(tmp_path).refuse()


def test_the_owner_touches_its_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    with Lock(tmp_path):
        path = tmp_path / "lock.1.json"
        os.utime(path, (1, 1))
        end = time.monotonic() + 30
        while path.stat().st_mtime == 1:
            assert time.monotonic() < end
    assert not path.exists()


def test_who_creates_a_lock_beside_a_live_one_lets_go(tmp_path, monkeypatch):
    """Between the look at the locks and the making of one, another may have come and gone."""
    create = lock._create_lock

    def late(temporary, path, text):
        leave(tmp_path, elsewhere(), number=9)
        create(temporary, path, text)

    monkeypatch.setattr(lock, "_create_lock", late)
    with pytest.raises(RunningError, match="on far"):
        Lock(tmp_path).__enter__()
    assert locks(tmp_path) == ["lock.9.json"]


def test_it_needs_no_hard_links(tmp_path, monkeypatch):
    def link(*_):
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr("os.link", link)
    with Lock(tmp_path):
        with pytest.raises(RunningError, match=f"process {os.getpid()} "):
            Lock(tmp_path).__enter__()
        assert locks(tmp_path) == ["lock.1.json"]


def test_an_owner_whose_lock_was_taken_over_finds_out(tmp_path):
    with Lock(tmp_path) as held:
        held.verify()
        (tmp_path / "lock.1.json").unlink()
        with pytest.raises(RunningError, match="was taken over"):
            held.verify()
        leave(tmp_path, elsewhere(), number=2)
        with pytest.raises(RunningError, match="on far"):
            held.verify()
    assert locks(tmp_path) == ["lock.2.json"]


def test_a_folder_that_can_not_be_is_an_os_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Lock(tmp_path / "file" / "run").__enter__()
