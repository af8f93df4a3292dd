"""Files of a run folder, damaged in every way: what is read is what was written, or is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fitted import TINY
from fuzzed import Damage, Refused, attempt, damage, damages, flips, tries
from hypothesis import given

import letterocr
from letterocr.base.errors import UserError
from letterocr.optimizers.learned import rule_file
from letterocr.run import checkpoint
from letterocr.run.curve import read_curve
from letterocr.run.event_file import EventFile
from letterocr.run.playback import read_playback
from letterocr.run.run_view import view_run
from letterocr.sweep.reader import read_run

FILES = {  # how many damages are tried of each
    "config.yaml": 20,
    "environment.json": 15,
    "result.json": 15,
    "curve.parquet": 30,
    "diagnostics.parquet": 15,
    "snapshots.npz": 15,
    "familiarity.npz": 15,
    "checkpoints/000000000300.json": 20,
    "checkpoints/000000000300.safetensors": 20,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of two small networks with every file."""
    options: dict[str, Any] = {"engine": "reference", "replicas": 2, "snapshots": "log", "diagnostics": "rank"}
    run = letterocr.fit(**TINY | options, output=tmp_path_factory.mktemp("runs"))
    assert run.folder
    for older in run.folder.glob("checkpoints/*"):
        if "300" not in older.name:
            older.unlink()
    return run.folder


@pytest.fixture(scope="module")
def folder(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, whose files are damaged one by one."""
    return Path(shutil.copytree(whole, tmp_path_factory.mktemp("damaged") / "run"))


def read_all(folder: Path) -> None:
    """Everything that commands and pages read of a run, apart from its letters."""
    read_run(folder)
    view = view_run(folder)
    assert view.curve is None or len(view.curve[0]) == len(view.curve[1])
    _ = view.loaded, view.playback, view.figures
    for note in view.notes:
        assert "\n" not in note, note
    run = letterocr.load(folder)
    _ = run.curve, run.test_error, repr(run), run.reader.familiarity


@pytest.mark.parametrize("name", FILES)
def test_one_damaged_file(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()

    @tries(FILES[name], 0.2)
    @given(done=damages())
    def check(done: list[Damage]) -> None:
        (folder / name).write_bytes(damage(data, done))
        attempt(lambda: read_all(folder), "run")

    try:
        check()
    finally:
        (folder / name).write_bytes(data)


@tries(60, 1)
@given(done=flips())
def test_a_flipped_bit_of_the_curve_changes_nothing_unnoticed(whole: Path, folder: Path, done: list[Damage]) -> None:
    data = (whole / "curve.parquet").read_bytes()
    (folder / "curve.parquet").write_bytes(damage(data, done))
    found = attempt(lambda: read_curve(folder), "curve.parquet")
    (folder / "curve.parquet").write_bytes(data)
    if not isinstance(found, Refused):
        for one, other in zip(found, read_curve(whole), strict=True):  # type: ignore[call-overload]
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("suffix", ["json", "safetensors"])
@tries(40, 1)
@given(done=damages(1))
def test_a_damaged_checkpoint_is_noticed(whole: Path, folder: Path, suffix: str, done: list[Damage]) -> None:
    name = f"checkpoints/000000000300.{suffix}"
    data = (whole / name).read_bytes()
    (folder / name).write_bytes(damage(data, done))
    facts, tensors, _ = checkpoint.load(whole / "checkpoints", torch.device("cpu"))
    try:
        found, found_tensors, _ = checkpoint.load(folder / "checkpoints", torch.device("cpu"))
    except FileNotFoundError:
        return
    finally:
        (folder / name).write_bytes(data)
    assert found == facts
    assert all(torch.equal(found_tensors[name], tensor) for name, tensor in tensors.items())


@tries(30, 0.5)
@given(done=damages())
def test_hostile_tensors_with_right_digests(whole: Path, folder: Path, done: list[Damage]) -> None:
    name = "checkpoints/000000000300.safetensors"
    head = (whole / name).read_bytes()
    end = 8 + int.from_bytes(head[:8], "little")
    data = damage(head[:end], done) + head[end:]
    (folder / name).write_bytes(data)
    json_file = (folder / name).with_suffix(".json")
    json_file.write_text(json.dumps({"sample": 300, "sha256": hashlib.sha256(data).hexdigest()}))
    attempt(lambda: letterocr.load(folder), "run")
    for file in (name, name.replace("safetensors", "json")):
        shutil.copy(whole / file, folder / file)


@tries(30, 1)
@given(done=damages())
def test_snapshots_with_right_checksums(whole: Path, folder: Path, done: list[Damage]) -> None:
    with np.load(whole / "snapshots.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    name = sorted(arrays)[done[0][3][0] % len(arrays) if done[0][3] else 0]
    data = damage(arrays[name].tobytes(), done)
    kind = arrays[name].dtype
    arrays[name] = np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind)
    arrays[name] = arrays[name].reshape(-1, *arrays[name].shape[1:])
    np.savez(folder / "snapshots.npz", **arrays)
    attempt(lambda: read_playback(folder), "snapshots.npz")
    shutil.copy(whole / "snapshots.npz", folder / "snapshots.npz")


@tries(30, 1)
@given(done=damages())
def test_files_of_learned_optimizers(tmp_path: Path, done: list[Damage]) -> None:
    parameters = {"a": torch.ones(3, 2), "b": torch.zeros(4)}
    path = tmp_path / "rule.safetensors"
    rule_file.write(path, parameters, {"which": "learned", "meta_steps": 1, "optimizee_updates": 1, "seconds": 1.0})
    path.write_bytes(damage(path.read_bytes(), done))
    shapes = {name: tuple(tensor.shape) for name, tensor in parameters.items()}
    attempt(lambda: rule_file.read("learned", str(path), shapes, torch.zeros(1)), "rule.safetensors")
    attempt(lambda: rule_file.read_meta_cost(path), "rule.safetensors")


@pytest.mark.parametrize("name", ["events.out.tfevents." + "9" * 200, "events.out.tfevents.", "xtfeventsx"])
def test_names_of_event_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff" * 100)
    EventFile(tmp_path, 3).close()
    assert len(list(tmp_path.iterdir())) == 2
    assert (tmp_path / name).read_bytes() == b"\xff" * 100


def test_a_run_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").symlink_to("/dev/zero")
    with pytest.raises(UserError, match="is not a run folder"):
        letterocr.load(tmp_path)
    assert read_run(tmp_path).state == "damaged"
