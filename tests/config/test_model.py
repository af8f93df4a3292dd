"""Kinds of networks: the choice of model= decides, the name is free text."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import one_sentence, small_config
from tiny import command, letters, run_folder

from letterocr.api.trained_run import load
from letterocr.base.errors import UserError
from letterocr.compose import registry
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.stored_config import read_config
from letterocr.config.check import check_config
from letterocr.config.model.chain import ChainConfig
from letterocr.config.model.network import imply_kind
from letterocr.config.model.spectral import SpectralConfig
from letterocr.config.train import TrainConfig


def test_a_config_in_python_is_of_the_three_layer_chain() -> None:
    assert TrainConfig().model == ChainConfig(name="three_layer", hidden=[1800])
    check_config(TrainConfig())


@pytest.mark.parametrize(
    ("overrides", "schema"),
    [
        (["model=spectral"], SpectralConfig),
        (["model=spectral", "model.name=mine"], SpectralConfig),
        (["model=spectral", "rule=gradient", "model.name=three_layer"], SpectralConfig),
        (["model=three_layer", "model.name=spectral"], ChainConfig),
        (["model=two_layer"], ChainConfig),
        ([], ChainConfig),
    ],
)
def test_the_choice_decides_what_kind_it_is(overrides: list[str], schema: type) -> None:
    config = compose_config(overrides)
    assert type(config.model) is schema
    assert registry.find_model(config.model).schema is schema
    check_config(config)


def test_a_rules_temperature_reaches_every_kind() -> None:
    assert compose_config(["rule=printed", "model=spectral"]).model.temperature == 150
    assert compose_config(["rule=printed"]).model.temperature == 150


def test_a_kind_can_not_be_given_to_another_schema() -> None:
    with pytest.raises(UserError) as caught:
        check_config(compose_config(["model=spectral", "model.kind=chain"]))
    one_sentence(caught.value, "model.kind=chain: must be one of spectral")


def test_every_kind_is_a_word_of_its_own() -> None:
    kinds = {entry.schema().kind: entry.schema for entry in registry.MODELS.values()}
    assert set(kinds) == {"chain", "spectral"}
    assert len(kinds) == len(set(kinds.values()))
    assert [imply_kind(name) for name in ("spectral", "three_layer", "mine")] == ["spectral", "chain", "chain"]


@pytest.mark.parametrize(
    ("overrides", "shapes"),
    [
        (["model=spectral", "model.name=mine", "model.hidden=[5]"], [(5, 34), (26, 15)]),
        (["model=three_layer", "model.name=spectral", "model.hidden=[20]"], [(20, 900), (26, 20)]),
    ],
)
def test_a_run_trains_the_kind_and_is_called_by_its_name(
    tmp_path: Path, overrides: list[str], shapes: list[tuple[int, int]]
) -> None:
    common = ["data=images", f"data.path={letters()}", "data.test_per_letter=1", "threads=1", "samples=20"]
    answer = command(*overrides, *common, f"output={tmp_path}")
    assert answer.status == 0, answer.err
    folder = run_folder(tmp_path)
    assert folder.name.startswith(read_config(folder).model.name + "-")
    assert [tuple(w.shape[1:]) for w in load(folder).network.weights] == shapes
    assert command(*overrides, *common, f"output={tmp_path}", "resume=true").status == 0


def test_what_a_network_that_is_no_chain_can_not_do() -> None:
    for fields, parts in (
        (
            {"learning_rate": "auto"},
            "learning_rate=auto: model=spectral is not a chain of weight matrices; give a number",
        ),
        (
            {"diagnostics": "rank"},
            "diagnostics=rank: model=spectral is not a chain of weight matrices; take diagnostics=none",
        ),
        ({"snapshots": "log"}, "snapshots=log: model=spectral is not a chain of weight matrices; take snapshots=none"),
    ):
        with pytest.raises(UserError) as caught:
            check_config(small_config(model=SpectralConfig(name="mine"), **fields))
        one_sentence(caught.value, parts)
