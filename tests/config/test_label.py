"""Labels: what distinguishes a run from its neighbours, and names of folders that a shell takes as they are."""

from __future__ import annotations

import re
from typing import Any

import pytest

from letterocr.config.label import Value, list_telling, list_varying, make_label, make_labels, name_folder

TWO: dict[str, Value] = {"model.name": "two_layer", "model.hidden": "[]", "model.bias": False, "learning_rate": 0.002}
THREE: dict[str, Value] = {
    "model.name": "three_layer",
    "model.hidden": "[1800]",
    "model.bias": True,
    "learning_rate": 0.02,
}


def vary(run: dict[str, Value], **more: Any) -> dict[str, Value]:
    return run | {name.replace("__", "."): value for name, value in more.items()}


def test_the_fields_of_a_network_follow_from_its_name_and_its_learning_rate_does_not():
    runs = [vary(run, learning_rate=rate) for run in (TWO, THREE) for rate in (0.001, 0.01)]
    assert list_varying(runs) == ["model.name", "learning_rate", "model.hidden", "model.bias"]
    assert list_telling(runs) == ["model.name", "learning_rate"]
    assert make_labels(runs) == [
        "two layers, learning rate 0.001",
        "two layers, learning rate 0.01",
        "three layers, learning rate 0.001",
        "three layers, learning rate 0.01",
    ]


def test_a_field_that_is_drawn_anew_for_each_run_does_not_hide_the_others():
    runs = [vary(THREE, learning_rate=0.01 * i, optimizer__momentum=1 / (1 + i)) for i in range(6)]
    assert list_telling(runs) == ["learning_rate", "optimizer.momentum"]


def test_a_field_that_follows_from_a_number_is_left_out_where_the_number_recurs():
    runs = [vary(THREE, samples=n, evaluate_every=str(n // 10), seed=s) for n in (100, 200) for s in range(3)]
    assert list_telling(runs) == ["samples", "seed"]


def test_the_seed_comes_last_and_a_field_that_some_runs_lack_is_told_for_the_others():
    runs = [vary(THREE, seed=1), vary(THREE, seed=2, optimizer__momentum=0.9)]
    assert make_labels(runs) == ["seed 1", "momentum 0.9, seed 2"]


def test_one_run_alone_and_runs_that_are_alike_have_a_label():
    assert make_labels([THREE]) == ["three layers, learning rate 0.02"]
    assert make_labels([{"seed": 0}, {"seed": 0}]) == ["defaults", "defaults"]
    assert make_labels([]) == []


def test_true_and_1_are_two_values():
    assert list_varying([{"a": True}, {"a": 1}]) == ["a"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("data.name", "emnist", "EMNIST letters"),
        ("data.path", "/letters of mine/a.npz", "file of letters a.npz"),
        ("data.path", "null", "file of letters null"),
        ("model.hidden", "[64, 32]", "hidden units 64-32"),
        ("model.hidden", "[]", "no hidden units"),
        ("evaluate_every", "1", "test error every sample"),
        ("evaluate_every", "2000", "test error every 2,000 samples"),
        ("evaluate_every", "log", "test error at log-spaced samples"),
        ("model.name", "mine", "mine"),
        ("samples", 20_000, "20,000 samples"),
        ("data.seed", 20_000, "seed of the letters 20000"),
        ("model.bias", True, "bias"),
    ],
)
def test_values_are_told_in_words(name, value, words):
    assert make_label({name: value}, [name, "missing"]) == words


def test_the_name_of_a_folder_tells_what_differs_from_the_defaults():
    assert name_folder(THREE, THREE, "585d832a99d0") == "three_layer-585d832a99d0"
    assert name_folder(vary(THREE, learning_rate=0.5), THREE, "585d832a99d0") == "three_layer-lr0.5-585d832a99d0"
    other = vary(THREE, model__bias=False, learning_rate="auto", model__hidden="[40, 30]", data__path="x", seed=3)
    name = name_folder(other, THREE | {"data.path": "", "seed": 0}, "585d832a99d0")
    assert name == "three_layer-lr_auto-hidden40_30-no_bias-seed3-585d832a99d0"


@pytest.mark.parametrize("name", ["../../etc/x y", "-rf", "a$b`c;d", "名前", "", ".", "a" * 300])
def test_every_name_is_one_safe_word(name):
    found = name_folder({"model.name": name, "batch": name}, {"model.name": name, "batch": "1"}, "585d832a99d0")
    assert re.fullmatch(r"[\w+][\w.+-]*-585d832a99d0", found, re.ASCII)
    assert len(found) < 120
