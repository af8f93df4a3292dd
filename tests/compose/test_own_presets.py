"""Presets of the user, in folders of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import command, composed, report_of

from letterocr.base.errors import UserError
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.overrides import prepare

FILES = {
    "experiment/mine.yaml": "# @package _global_\nsamples: 52\nlearning_rate: 0.002\n",
    "experiment/whole.yaml": "# @package _global_\ndefaults:\n  - override /model: mine\n  - _self_\nsamples: 3\n",
    "experiment/sweep.yaml": "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params: {seed: '1,2'}\n",
    "model/mine.yaml": "defaults:\n  - two_layer\n  - _self_\ntemperature: 2\n",
    "model/child.yaml": "defaults:\n  - mine\n  - _self_\nbias: true\n",
    "model/plain.yaml": "hidden: [7]\n",
    "model/pooled.yaml": "kind: spectral\nname: spectral\nhidden: [5]\n",
    "data/scans.yaml": "name: images\npath: scans (1).npz\n",
    "optimizer/adamw.yaml": "# @package _global_\ndefaults:\n  - torch\n  - _self_\noptimizer:\n  name: AdamW\n",
    "study/small.yaml": "# @package _global_\nsamples: 7\n",
    "primary.yaml": "defaults:\n  - config\n  - _self_\nsamples: 77\n",
    "bare.yaml": "samples: 77\n",
    "wrong/experiment/number.yaml": "# @package _global_\nsamples: 1e3\n",
    "wrong/experiment/field.yaml": "# @package _global_\nsamplse: 1\n",
    "wrong/experiment/header.yaml": "samples: 1\n",
    "wrong/experiment/yaml.yaml": "# @package _global_\nsamples: [1\n",
    "wrong/experiment/default.yaml": "# @package _global_\ndefaults:\n  - override /model: three_layr\n",
    "same/experiment/paper/fig7.yaml": "# @package _global_\nsamples: 1\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a space in its name, and the presets in it."""
    folder = tmp_path_factory.mktemp("presets") / "my presets"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_preset_of_several_fields(folder: Path) -> None:
    config = composed("--config-dir", str(folder), "experiment=mine", "model=two_layer")
    assert (config.samples, config.learning_rate, config.model.name) == (52, 0.002, "two_layer")
    config = composed("--config-dir", str(folder), "experiment=whole")
    assert (config.samples, config.model.temperature, config.model.hidden) == (3, 2, [])


def test_a_preset_of_a_group_has_the_fields_of_what_it_is_based_on(folder: Path) -> None:
    search = f"hydra.searchpath=['{folder}']"
    mine = compose_config([search, "model=mine"])
    assert (mine.model.hidden, mine.model.temperature, mine.learning_rate) == ([], 2, 0.0005)
    child = compose_config([search, "model=child"])
    assert (child.model.hidden, child.model.temperature, child.model.bias) == ([], 2, True)
    assert compose_config([search, "model=plain"]).model.hidden == [7]
    assert compose_config([search, "model=pooled"]).model.kind == "spectral"
    assert compose_config([search, "data=scans"]).data.path == "scans (1).npz"  # type: ignore[attr-defined]
    adamw = compose_config([search, "optimizer=adamw", "optimizer.options.amsgrad=true"])
    assert (adamw.optimizer.name, adamw.learning_rate) == ("AdamW", 0.001)
    assert compose_config([f"hydra.searchpath=['file://{folder}']", "+study=small"]).samples == 7


def test_a_config_of_ones_own_takes_the_place_of_the_packages(folder: Path) -> None:
    own = ["--config-name", "primary", "--config-dir", str(folder)]
    assert composed(*own).samples == 77
    assert composed(*own, "samples=5", "model=mine").samples == 5
    answer = command("--config-name", "bare", "--config-dir", str(folder))
    assert (answer.status, answer.sentence) == (
        2,
        "--config-name: your config must begin with `defaults: [config, _self_]`.",
    )
    assert "there is no other.yaml" in command("--config-name", "other", "--config-dir", str(folder)).sentence


def test_they_go_into_sweeps_and_patterns(folder: Path, tmp_path: Path) -> None:
    assert prepare(["experiment=glob(m*)", "model=glob(*)"], True, [folder]) == [
        "experiment=mine",
        "model=two_layer,three_layer,four_layer,spectral,child,mine,plain,pooled",
    ]
    rest = ["samples=0", f"output={tmp_path}", "tensorboard=false", "data.train_per_letter=1", "data.test_per_letter=1"]
    answer = command("--config-dir", str(folder), "-m", "model=mine,two_layer", *rest)
    assert (answer.status, report_of(answer)) == (0, ["Sweep of 2 runs: 2 finished."])
    answer = command("--config-dir", str(folder), "experiment=sweep", "model=mine", *rest)
    assert (answer.status, report_of(answer)) == (0, ["Sweep of 2 runs: 2 finished."])


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("experiment=mime", "there is no experiment mime; did you mean mine?"),
        ("study=small", "study is a group of yours, which a plus adds: write +study=small."),
        ("+study=smal", "there is no study smal; did you mean small?"),
        ("+stdy=small", "there is no field stdy; did you mean study?"),
    ],
)
def test_a_mistake_names_the_users_own_presets(typed: str, sentence: str, folder: Path) -> None:
    with pytest.raises(UserError) as end:
        prepare([typed], False, [folder])
    assert sentence in str(end.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("number", "experiment/number.yaml: samples=1000.0: must be a whole number, without point and exponent."),
        ("field", "experiment/field.yaml: there is no field samplse here; did you mean samples?"),
        ("header", "experiment/header.yaml: its first line must be `# @package _global_`"),
        ("yaml", "yaml.yaml"),
        ("default", "model=three_layr: there is no such preset"),
    ],
)
def test_a_mistake_in_a_preset_names_its_file(name: str, sentence: str, folder: Path) -> None:
    answer = command("--config-dir", str(folder / "wrong"), f"experiment={name}")
    assert answer.status == 2
    assert sentence in answer.sentence


def test_a_preset_with_the_name_of_one_of_ours_is_refused(folder: Path) -> None:
    answer = command("--config-dir", str(folder / "same"), "experiment=paper/fig7")
    assert "letterocr has a preset experiment=paper/fig7 itself: give yours another name." in answer.sentence


@pytest.mark.parametrize("path", ["/nowhere", "[/nowhere]", "[pkg://no_such_package.conf]"])
def test_folders_that_are_not_there_are_named(path: str) -> None:
    answer = command(f"hydra.searchpath={path}", "experiment=mine")
    assert answer.status == 2
    assert "hydra.searchpath=" in answer.sentence
