"""Run folders are found again: the identity of a run is what it was before fields were added.

The names were taken from the code of commit 7b812a8, by composing the same overrides there. New folders have other
names before the same identity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from helpers import small_config

from letterocr.compose.defaults import label_alone
from letterocr.compose.from_overrides import compose_config
from letterocr.config.data import SyntheticConfig
from letterocr.config.identity import compute_identity, drop_implied, select_identity, to_plain
from letterocr.config.model.chain import ChainConfig
from letterocr.config.model.spectral import SpectralConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.option import option
from letterocr.run.folder import locate_folder

NAMES = {
    "": "three_layer-gradient-synthetic-b4dca312512b",
    "model=two_layer": "two_layer-gradient-synthetic-3653d244ba5d",
    "model=four_layer rule=printed": "four_layer-printed-synthetic-38f07eeb825a",
    "rule=eq18 learning_rate=auto": "three_layer-eq18-synthetic-d94ab1d62b32",
    "model=spectral": "spectral-gradient-synthetic-f31033e3d324",
    "model=spectral model.hidden=[6] replicas=2 samples=60": "spectral-gradient-synthetic-4e221dc6c55e",
    "model.name=mine model.hidden=[40]": "mine-gradient-synthetic-926e7fc15a08",
    "experiment=paper/fig7 data=emnist": "three_layer-printed-emnist-0ff73c2ac8b1",
    "experiment=paper/fig8 data=images data.path=/letters/writers.npz": "four_layer-printed-images-3cfd0bcebbc7",
    (
        "optimizer.momentum=0.9 optimizer.weight_decay=0.001 schedule=cosine"
    ): "three_layer-gradient-synthetic-f6b74407ceb5",
    (
        "optimizer=sgd optimizer.mask=row optimizer.rescale=true optimizer.keep=0.25"
    ): "three_layer-gradient-synthetic-c8a07278c308",
    "optimizer=asgd optimizer.start=0.25": "three_layer-gradient-synthetic-37e375d1057c",
    "model=two_layer optimizer=newton batch=all optimizer.ridge=0": "two_layer-gradient-synthetic-614c915ba791",
    "optimizer=gauss_newton batch=5 optimizer.iterations=7": "three_layer-gradient-synthetic-80c02a56244b",
    "optimizer=smd optimizer.meta_rate=1": "three_layer-gradient-synthetic-04d979615765",
    "optimizer=diagonal dtype=float64": "three_layer-gradient-synthetic-4b880bdf2e24",
    "optimizer=kfac loss_factor=1 engine=reference": "three_layer-gradient-synthetic-4a21ad1a4d44",
    "optimizer=learned": "three_layer-gradient-synthetic-6c78b02a3d9d",
    "optimizer=learned_factored optimizer.path=/rules/mine.safetensors": "three_layer-gradient-synthetic-e3126d492d63",
    "optimizer=torch": "three_layer-gradient-synthetic-3edc1c28742b",
    (
        "optimizer=torch optimizer.name=SGD optimizer.options={momentum:0.5,nesterov:true}"
    ): "three_layer-gradient-synthetic-1bf1ea22310b",
    (
        "replicas=3 learning_rate=[0.01,0.05,0.1] model.temperature=[1,2,3] model.init_scale=1"
    ): "three_layer-gradient-synthetic-c643dd8eba5d",
    "evaluate_every=log batch=10 order=cyclic block=7 seed=5 device=cpu": "three_layer-gradient-synthetic-8f2913d3e048",
    (
        "data=synthetic data.train_per_letter=12 data.test_per_letter=4 data.repetitions=2 "
        "data.seed=3 diagnostics=rank threads=1 tensorboard=false"
    ): "three_layer-gradient-synthetic-2cc51c3afbf7",
    (
        "data=emnist data.frequencies=balanced data.train_per_letter=35 "
        "model.bias=false model.init_bias=random model.activation=linear"
    ): "three_layer-gradient-emnist-a39b532357f5",
}


@pytest.mark.parametrize("overrides", NAMES, ids=lambda text: text[:60] or "defaults")
def test_a_run_has_the_identity_that_it_had_and_its_folder_is_found(overrides: str, tmp_path: Path) -> None:
    config = compose_config([*overrides.split(), f"output={tmp_path}"])
    new = locate_folder(config)
    assert new.name.rpartition("-")[2] == compute_identity(config) == NAMES[overrides].rpartition("-")[2]
    (tmp_path / NAMES[overrides]).mkdir()
    assert locate_folder(config).name == NAMES[overrides]


def test_a_new_folder_tells_what_differs_from_the_defaults() -> None:
    told = {
        "": "three_layer",
        "model=two_layer": "two_layer",
        "model=four_layer rule=printed": "four_layer-printed",
        "experiment=paper/fig7 data=emnist": "three_layer-printed-emnist",
        "optimizer=torch": "three_layer-Adam",
        "optimizer=kfac loss_factor=1 engine=reference": "three_layer-kfac-loss_factor1-reference",
    }
    for overrides, name in told.items():
        assert locate_folder(compose_config(overrides.split())).name.rpartition("-")[0] == name


@pytest.mark.parametrize(
    ("overrides", "name", "label"),
    [
        ("data.classes=letters", "three_layer", "three layers"),
        ("data.classes=digits", "three_layer-classes_digits", "digits"),
        ("data=emnist data.classes=all", "three_layer-emnist-classes_all", "letters and digits"),
    ],
)
def test_the_classes_tell_runs_apart_unless_they_are_letters(overrides: str, name: str, label: str) -> None:
    config, plain = (compose_config(text.split()) for text in (overrides, overrides.partition("data.classes")[0]))
    assert locate_folder(config).name.rpartition("-")[0] == name
    assert (compute_identity(config) == compute_identity(plain)) is (name == "three_layer")
    assert label in label_alone(config)


def test_all_these_runs_are_different() -> None:
    assert len(set(NAMES.values())) == len(NAMES)


def test_a_kind_that_the_name_implies_is_left_out() -> None:
    for model in (ChainConfig(), ChainConfig(name="mine"), SpectralConfig()):
        assert "kind" not in select_identity(small_config(model=model))["model"]


def test_networks_of_two_kinds_and_one_name_are_two_runs() -> None:
    fields: dict[str, Any] = {"hidden": [6], "init_scale": 0.1}
    for name in ("mine", "spectral"):
        chain, spectral = ChainConfig(name=name, **fields), SpectralConfig(name=name, **fields)
        assert len({compute_identity(small_config(model=model)) for model in (chain, spectral)}) == 2


@dataclass
class _LaterConfig(VanillaConfig):
    """A config with two fields that the runs before it did not have."""

    nesterov: bool = option(False, "a later field", added=True)
    rates: list[float] = field(default_factory=lambda: [1.0], metadata=option([1.0], "another", added=True).metadata)


def test_a_field_that_was_added_counts_only_where_it_differs_from_its_default() -> None:
    before = compute_identity(small_config(optimizer=VanillaConfig()))
    assert compute_identity(small_config(optimizer=_LaterConfig())) == before
    others = [_LaterConfig(nesterov=True), _LaterConfig(rates=[1.0, 2.0])]
    assert len({before, *(compute_identity(small_config(optimizer=other)) for other in others)}) == 3


def test_a_stored_config_loses_the_same_fields() -> None:
    chosen = (ChainConfig, SyntheticConfig, _LaterConfig)
    config = small_config(optimizer=_LaterConfig())
    assert drop_implied(to_plain(config), *chosen) == select_identity(config)
    other = small_config(optimizer=_LaterConfig(nesterov=True))
    assert drop_implied(to_plain(other), *chosen)["optimizer"]["nesterov"] is True
    assert drop_implied({"model": {"name": "mine"}, "threads": 2}, *chosen) == {"model": {"name": "mine"}}
