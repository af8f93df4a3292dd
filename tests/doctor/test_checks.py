"""The doctor: one line for each check, with the mend, and status 1 where one failed."""

import json
import os
import sys
from pathlib import Path

import pytest
from tiny import Answer

from letterocr.doctor import checks as doctor
from letterocr.doctor import cluster
from letterocr.doctor.__main__ import main
from letterocr.doctor.checks import FAILED, OK, WARNING, CheckResult

LOCAL = ["device", "threads", "letters", "disk", "tensorboard", "numba", "launchers"]


def fake(folder: Path, name: str, script: str) -> None:
    """A SLURM command that answers as the script says."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def no_slurm(tmp_path, monkeypatch) -> Path:
    """A PATH that can be given SLURM's commands, with bash and little else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "cat", "rm"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def run(capsys, monkeypatch, *arguments: str) -> Answer:
    monkeypatch.setattr(sys, "argv", ["doctor", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    return Answer(int(end.value.code), out, err)


def test_each_check_is_one_line_of_state_name_and_finding(tmp_path, capsys, monkeypatch, no_slurm):
    answer = run(capsys, monkeypatch, f"output={tmp_path / 'out'}")
    rows = [line.split(maxsplit=2) for line in answer.out.splitlines()]
    assert [name for _, name, _ in rows] == [*LOCAL, "slurm"]
    assert {state for state, _, _ in rows} <= {OK, WARNING}
    assert answer.status == 0
    assert not (tmp_path / "out").exists()


def test_json_is_an_object_a_line(tmp_path, capsys, monkeypatch, no_slurm):
    answer = run(capsys, monkeypatch, f"output={tmp_path}", "--json")
    found = [json.loads(line) for line in answer.out.splitlines()]
    assert [set(row) for row in found] == [{"name", "state", "text"}] * 8


def test_what_failed_gives_status_one(tmp_path, capsys, monkeypatch, no_slurm):
    (tmp_path / "file").touch()
    answer = run(capsys, monkeypatch, f"output={tmp_path / 'file' / 'out'}")
    assert answer.status == 1
    (row,) = [line for line in answer.out.splitlines() if line.startswith(FAILED)]
    assert "disk" in row
    assert "take another output=" in row
    assert run(capsys, monkeypatch, f"output={tmp_path}", "--job").status == 1  # there is no SLURM


def test_a_check_that_raises_has_failed_in_one_line():
    def check():
        raise ImportError("first\nsecond")

    assert doctor.run_check("x", check) == CheckResult("x", FAILED, "ImportError: first second")


def test_the_disk_is_tested_where_runs_will_be_and_left_clean(tmp_path, monkeypatch):
    state, text = doctor.check_disk(tmp_path / "new" / "out")
    assert (state, text.split(":")[0]) == (OK, str(tmp_path))
    assert "MB/s with fsync" in text
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(doctor, "ROOM_BYTES", 1e18)
    state, text = doctor.check_disk(tmp_path)
    assert (state, text.endswith("make room, or take another output=")) == (WARNING, True)

    def link(*_):
        raise PermissionError

    monkeypatch.setattr(os, "link", link)
    assert "it has no hard links" in doctor.check_disk(tmp_path)[1]


def test_fewer_threads_than_cores_are_a_warning(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(os, "getloadavg", lambda: (1.0, 1.0, 1.0))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert doctor.check_threads() == (OK, "8 cores, load 1.0")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert doctor.check_threads()[0] == WARNING
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.setattr(os, "getloadavg", lambda: (9.0, 1.0, 1.0))
    assert doctor.check_threads()[0] == WARNING


def test_a_compiled_cache_that_can_not_be_kept_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    assert doctor.check_numba_cache() == (OK, f"compiled loops are kept in {tmp_path / 'cache'}")
    monkeypatch.setattr(os, "access", lambda *_: False)
    state, text = doctor.check_numba_cache()
    assert (state, "set NUMBA_CACHE_DIR" in text) == (WARNING, True)


def test_letters_that_are_there_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("emnist.get_cached_data_path", lambda: str(tmp_path / "emnist.zip"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert doctor.check_letters()[0] == WARNING
    (tmp_path / "emnist.zip").touch()
    assert doctor.check_letters() == (OK, f"data=emnist reads {tmp_path / 'emnist.zip'}")


# A cluster


def test_partitions_and_gpus_are_read_from_sinfo(no_slurm):
    fake(no_slurm, "sinfo", 'if [[ $2 == *G ]]; then echo "gpu gpu:a100:4"; else echo "gpu*|up|2:00:00|3/5/0/8"; fi')
    assert cluster.check_partitions() == (OK, "gpu* (limit 2:00:00, 5 of 8 nodes idle)")
    assert cluster.check_gpus() == (OK, "gpu gpu:a100:4")
    fake(no_slurm, "sinfo", 'if [[ $2 == *G ]]; then echo "main (null)"; else echo "main|down|infinite|0/0/8/8"; fi')
    assert cluster.check_partitions()[0] == FAILED
    assert "SLURM has no GPUs" in cluster.check_gpus()[1]


def test_a_controller_that_does_not_answer_has_failed(no_slurm):
    fake(no_slurm, "sinfo", "echo 'slurm_load_partitions: Unable to contact' >&2; exit 1")
    finding = doctor.run_check("partitions", cluster.check_partitions)
    assert finding.state == FAILED
    assert "Unable to contact" in finding.text


def test_a_refused_job_says_how_options_are_given(tmp_path, no_slurm):
    fake(no_slurm, "sbatch", "echo 'sbatch: error: no account' >&2; exit 1")
    (finding,) = cluster.check_job(tmp_path, 1)
    assert (finding.state, finding.name) == (FAILED, "job")
    assert "no account: options that the cluster needs can be given as SBATCH_PARTITION, SBATCH_ACCOUNT" in finding.text
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


@pytest.mark.parametrize(
    ("squeue", "names", "states"),
    [
        ("echo PENDING, Resources", ["job"], [WARNING]),
        ("echo RUNNING", ["job", "output"], [OK, FAILED]),
    ],
)
def test_a_job_that_waits_and_one_that_writes_elsewhere_are_told_apart(tmp_path, no_slurm, squeue, names, states):
    fake(no_slurm, "sbatch", "echo 7")
    fake(no_slurm, "scancel", f"echo $1 > {tmp_path}/cancelled")
    fake(no_slurm, "squeue", squeue)
    found = list(cluster.check_job(tmp_path, 0.1))
    assert [finding.name for finding in found] == names
    assert [finding.state for finding in found] == states
    assert (tmp_path / "cancelled").read_text() == "7\n"


def test_a_job_that_is_not_queued_again_is_a_warning(tmp_path, no_slurm):
    fake(no_slurm, "sbatch", 'echo node5 > "${@: -1}/started-0"; echo 7')
    fake(no_slurm, "scancel", "")
    fake(no_slurm, "squeue", "")
    found = list(cluster.check_job(tmp_path, 0.1))
    assert [(finding.name, finding.state) for finding in found] == [("job", OK), ("output", OK), ("requeue", WARNING)]
    assert "on node5" in found[0].text
    assert "is JobRequeue off?" in found[2].text
