"""The files of a run folder: written so that the folder alone is enough, read with one sentence for damage."""

import json
import re
from pathlib import Path

import pytest
from helpers import small_config
from tiny import Killed

from letterocr.base.errors import UserError
from letterocr.base.files import read_json, replace_file
from letterocr.compose.defaults import list_fields
from letterocr.compose.stored_config import read_config
from letterocr.config.data import EmnistConfig, ImagesConfig
from letterocr.config.identity import compute_identity
from letterocr.config.model.chain import ChainConfig
from letterocr.run.folder import (
    clear_folder,
    clear_temporary,
    locate_folder,
    write_config,
    write_environment,
)


def test_the_folder_has_a_readable_name_and_the_identity():
    config = small_config(output="here/runs")
    assert locate_folder(config) == Path("here/runs") / f"three_layer-{compute_identity(config)}"


def test_the_home_folder_is_meant_by_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate_folder(small_config(output="~/runs")).parent == tmp_path / "runs"


def test_no_name_leaves_the_output_folder():
    folder = locate_folder(small_config(output="runs", model=ChainConfig(name="../../etc/x y")))
    assert folder.parent == Path("runs")
    assert "/" not in folder.name


@pytest.mark.parametrize(
    "config",
    [
        small_config(),
        small_config(data=EmnistConfig(train_per_letter=35)),
        small_config(learning_rate=[0.1, 0.2], replicas=2, evaluate_every="log", force=True),
        small_config(model=ChainConfig(hidden=[30, 20], temperature=[1.0, 150.0]), replicas=2),
        small_config(model=ChainConfig(name="two_layer", hidden=[])),
    ],
    ids=["defaults", "emnist", "lists", "layers", "two_layer"],
)
def test_a_config_comes_back_as_it_was_stored(tmp_path, config):
    config.output = str(tmp_path)
    folder = locate_folder(config)
    write_config(folder, config)
    assert read_config(folder) == config
    assert locate_folder(read_config(folder)) == folder


def test_the_output_is_where_the_folder_is_now(tmp_path):
    write_config(tmp_path / "old" / "run", small_config(output="old"))
    (tmp_path / "old").rename(tmp_path / "new")
    assert read_config(tmp_path / "new" / "run").output == str(tmp_path / "new")


def test_a_relative_path_is_stored_as_what_it_means_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = small_config(data=ImagesConfig(path="letters.npz"))
    write_config(tmp_path / "run", config)
    stored = read_config(tmp_path / "run")
    assert stored.data.path == str(tmp_path / "letters.npz")
    assert config.data.path == "letters.npz"
    monkeypatch.chdir("/")
    assert compute_identity(stored) == compute_identity(
        small_config(data=ImagesConfig(path=str(tmp_path / "letters.npz")))
    )


def test_a_field_that_an_older_run_did_not_have_takes_its_default(tmp_path):
    write_config(tmp_path, small_config())
    path = tmp_path / "config.yaml"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("tensorboard")))
    assert read_config(tmp_path).tensorboard is True


@pytest.mark.parametrize("text", ["model: [", "", "data: 3\noptimizer: 3", "[1]", "just words", "samples: many"])
def test_a_damaged_config_gets_one_sentence(tmp_path, text):
    write_config(tmp_path, small_config())
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(
        UserError, match=r"config\.yaml can't be read as a config \(.*\): give the command of the run again"
    ):
        read_config(tmp_path)


@pytest.mark.parametrize("change", ["samples: many", "surprise: 3", "rule:\n- printed"])
def test_a_config_with_a_wrong_field_gets_one_sentence(tmp_path, change):
    write_config(tmp_path, small_config())
    path = tmp_path / "config.yaml"
    key = change.split(":")[0]
    kept = "".join(line for line in path.read_text().splitlines(True) if not line.startswith(f"{key}:"))
    path.write_text(kept + change + "\n")
    with pytest.raises(UserError, match=r"config\.yaml can't be read as a config"):
        read_config(tmp_path)


def test_a_config_that_is_no_text_gets_one_sentence(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"config\.yaml can't be read"):
        read_config(tmp_path)


def test_a_folder_without_config_is_no_run_folder(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "config.yaml").touch()
    for name, what in (
        ("", "it has no config.yaml. Give the folder that train printed."),
        ("nowhere", "it does not exist."),
        ("file", "it is a file."),
        ("runs", f"it holds run folders. Give one of them, as {tmp_path / 'runs' / 'one'}."),
    ):
        with pytest.raises(UserError, match=f"is not a run folder: {re.escape(what)}"):
            read_config(tmp_path / name)


def test_a_file_that_is_not_there_is_empty(tmp_path):
    (tmp_path / "file").write_text("")
    assert read_json(tmp_path / "nothing.json") == {}
    assert read_json(tmp_path / "file" / "nothing.json") == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"3", b"\xff"], ids=str)
def test_a_damaged_file_gets_one_sentence(tmp_path, content):
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(UserError, match=r"result\.json is damaged \(.*\); remove it"):
        read_json(tmp_path / "result.json")


def test_the_environment_names_the_versions(tmp_path):
    import torch

    write_environment(tmp_path, {"threads": 2})
    stored = json.loads((tmp_path / "environment.json").read_text())
    assert stored["torch"] == torch.__version__
    assert stored["threads"] == 2
    assert {"letterocr", "python", "numpy", "platform"} <= stored.keys()


def test_the_hyperparameters_are_flat_and_without_what_cannot_change_the_result():
    flat = list_fields(small_config(learning_rate=[0.1, 0.2], replicas=2))
    assert flat["learning_rate"] == "[0.1, 0.2]"
    assert flat["model.temperature"] == 1.0
    assert flat["data.name"] == "synthetic"
    assert flat["model.bias"] is True
    assert not {"output", "resume", "force", "threads", "checkpoint_seconds", "tensorboard"} & flat.keys()


def test_clearing_removes_what_a_run_wrote_and_nothing_else(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    for name in ("result.json", "curve.parquet", "environment.json", "events.out.tfevents.1", "checkpoints/1.json"):
        (tmp_path / name).write_text("")
    (tmp_path / "notes.txt").write_text("mine")
    clear_folder(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "notes.txt"]
    assert not list((tmp_path / "checkpoints").iterdir())


def test_the_result_goes_first(tmp_path, monkeypatch):
    """Else a run killed while it is cleared would count as finished."""
    (tmp_path / "checkpoints").mkdir()
    for name in ("result.json", "curve.parquet", "checkpoints/1.json"):
        (tmp_path / name).write_text("")
    removed = []

    def unlink(path, missing_ok=False):
        removed.append(path.name)
        raise Killed

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(Killed):
        clear_folder(tmp_path)
    assert removed == ["result.json"]


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    for name in ("curve.parquet", "checkpoints/1.json"):
        with replace_file(tmp_path / name) as temporary:
            temporary.write_text("whole")
        temporary.write_text("half")
    clear_temporary(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["1.json", "curve.parquet"]
