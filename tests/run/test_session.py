"""What a run leaves in its folder, and what is said of a folder that was damaged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from cut_runs import copy_run
from tiny import (
    command,
    result_of,
    run_folder,
    tiny,
)


def test_the_run_folder_holds_everything_that_the_run_was(whole):
    names = {path.name for path in whole.iterdir()}
    assert {"config.yaml", "environment.json", "curve.parquet", "checkpoints", "result.json"} <= names
    assert [path for path in whole.iterdir() if path.name.startswith("events.out.tfevents")]
    curve = pq.read_table(whole / "curve.parquet").to_pydict()
    assert curve["sample"] == list(range(301))
    assert np.isnan(curve["loss"][0])
    assert np.isfinite(curve["loss"][1:]).all()
    assert np.isfinite(curve["test_error"]).all()
    assert result_of(whole)["error"] == curve["test_error"][-1]
    assert {"torch", "numpy", "python", "letters", "device", "device_reason", "threads"} <= json.loads(
        (whole / "environment.json").read_text()
    ).keys()


def damaged(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
    else:
        path.write_text(text)


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("config.yaml", "model: [", "config.yaml can't be read as a config"),
        ("config.yaml", "", "config.yaml can't be read as a config"),
        ("config.yaml", "data: 3", "config.yaml can't be read as a config"),
        ("config.yaml", "[1, 2]", "config.yaml can't be read as a config"),
        ("config.yaml", None, "it has no config.yaml"),
        ("environment.json", "{", "environment.json is damaged"),
        ("environment.json", "[]", "environment.json is damaged"),
        ("result.json", "", "result.json is damaged"),
        ("result.json", "[1]", "result.json is damaged"),
        ("result.json", '{"status": "finished"}', "result.json is damaged"),
        ("curve.parquet", "PAR1", "curve.parquet is missing or damaged: start again with force=true."),
        ("curve.parquet", None, "curve.parquet is missing or damaged: start again with force=true."),
        ("checkpoints/*.safetensors", "", "has no whole checkpoint: start again with force=true."),
    ],
)
def test_a_damaged_run_folder_gets_one_sentence(tmp_path, stopped, file, text, sentence):
    folder = shutil.copytree(stopped, tmp_path / "run")
    for path in list(folder.glob(file)) or [folder / file]:
        damaged(path, text)
    answer = command(f"resume={folder}")
    assert answer.status == 2
    assert sentence in answer.sentence
    assert str(folder) in answer.sentence


def test_a_damaged_result_can_be_forced_away(tmp_path, whole):
    overrides = tiny(f"output={tmp_path}")
    (copy_run(whole, tmp_path) / "result.json").write_text("{")
    assert command(*overrides).status == 2
    assert command(*overrides, "force=true").status == 0


@pytest.mark.parametrize("engine", ["reference", "blocked"])
def test_the_threads_that_were_asked_for_are_recorded_and_kept_to(tmp_path, engine):
    """In a process of its own: as Numba starts its threads it sets the count of OpenMP, which is PyTorch's too."""
    code = """
import contextlib, sys, torch
from letterocr.run.learning import Learning
from letterocr.train import main
before, seen, learn = torch.get_num_threads(), set(), Learning.learn_stretch
def learn_and_look(self, limit=None):
    learn(self, limit)
    seen.add(torch.get_num_threads())
Learning.learn_stretch = learn_and_look
with contextlib.suppress(SystemExit):
    main()
print("threads", *seen, before == torch.get_num_threads(), file=sys.stderr)
"""
    overrides = tiny("threads=1", "samples=20", f"engine={engine}", f"output={tmp_path}")
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    cores = environment | {"NUMBA_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code, *overrides], env=cores, capture_output=True, text=True)
    assert done.stderr == "threads 1 True\n"
    assert json.loads((run_folder(tmp_path) / "environment.json").read_text())["threads"] == 1


def test_as_many_threads_as_cores_are_recorded_where_none_are_asked_for(tmp_path):
    assert command(*tiny("threads=0", "samples=0", f"output={tmp_path}")).status == 0
    stored = json.loads((run_folder(tmp_path) / "environment.json").read_text())
    assert stored["threads"] == len(os.sched_getaffinity(0))
