"""Search spaces: what a file means, and one sentence for every mistake in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import one_sentence
from tiny import tiny

from letterocr.base.errors import UserError
from letterocr.compose.from_overrides import compose_config
from letterocr.search.plan import Plan, read_plan, store_plan
from letterocr.search.space import SearchedField, check_space, format_override, list_spaces, read_space


@pytest.mark.parametrize("name", list_spaces())
def test_the_shipped_spaces_fit_a_run(name):
    space = read_space(name)
    assert space
    Plan(space, []).check()


def test_a_file_of_ones_own(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "learning_rate: {low: 1e-4, high: 1, log: true}\nblock: {low: 1, high: 8, int: true}\n"
        "model.bias: {choices: [true, false]}\nmodel.hidden: {choices: [[40], [80]]}\n"
    )
    space = read_space(str(tmp_path / "mine.yaml"))
    assert space["learning_rate"] == SearchedField((), 1e-4, 1.0, log=True)
    assert space["block"] == SearchedField((), 1, 8, whole=True)
    assert space["model.bias"].choices == (True, False)
    assert space["model.hidden"].choices == ("[40]", "[80]")
    kinds = {name: type(values.make_distribution()).__name__ for name, values in space.items()}
    assert kinds == {
        "learning_rate": "FloatDistribution",
        "block": "IntDistribution",
        "model.bias": "CategoricalDistribution",
        "model.hidden": "CategoricalDistribution",
    }


@pytest.mark.parametrize(
    ("stored", "parts"),
    [
        (None, ["must name at least one field"]),
        ([1], ["must name at least one field"]),
        ({"learning_rat": {"low": 1, "high": 2}}, ["no field learning_rat", "did you mean learning_rate?"]),
        ({3: {"low": 1, "high": 2}}, ["no field 3"]),
        ({"threads": {"low": 1, "high": 2}}, ["threads is the same for all trials"]),
        ({"samples": {"low": 1, "high": 2}}, ["samples is the same for all trials"]),
        ({"learning_rate": 3}, ["learning_rate: must be {low"]),
        ({"learning_rate": {"low": 1}}, ["learning_rate: must be {low"]),
        ({"learning_rate": {"low": 1, "high": 2, "step": 1}}, ["there is no key step here"]),
        ({"learning_rate": {"low": 1, "high": 2, "choices": [1]}}, ["there is no key choices here"]),
        ({"learning_rate": {"low": "small", "high": 2}}, ["low=small must be a finite number"]),
        ({"learning_rate": {"low": 1, "high": float("inf")}}, ["high=inf must be a finite number"]),
        ({"learning_rate": {"low": True, "high": 2}}, ["low=True must be a finite number"]),
        ({"learning_rate": {"low": 2, "high": 2}}, ["low=2 must be below high=2"]),
        ({"learning_rate": {"low": 0, "high": 2, "log": True}}, ["low=0 must be above 0"]),
        ({"learning_rate": {"low": 0, "high": 2, "log": "yes"}}, ["log=yes must be true or false"]),
        ({"block": {"low": 0.5, "high": 2, "int": True}}, ["must be whole numbers"]),
        ({"rule": {"choices": []}}, ["choices=[] must be a list"]),
        ({"rule": {"choices": "printed"}}, ["choices=printed must be a list"]),
        ({"rule": {"choices": ["printed", "printed"]}}, ["has a value twice"]),
    ],
)
def test_a_mistake_gets_one_sentence(stored, parts):
    with pytest.raises(UserError) as error:
        check_space(stored, "mine.yaml")
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith((".", "?"))
    assert all(part in text for part in ["mine.yaml", *parts])


@pytest.mark.parametrize(
    ("name", "parts"),
    [("learning_rates", ["did you mean learning_rate?"]), ("x", ["choose one of"]), ("no.yaml", ["can't be read"])],
)
def test_a_space_that_is_not_there_gets_one_sentence(name, parts):
    with pytest.raises(UserError) as error:
        read_space(name)
    text = " ".join(str(error.value).split())
    assert all(part in text for part in parts)


def test_a_damaged_file_gets_one_sentence(tmp_path):
    (tmp_path / "bad.yaml").write_text("learning_rate: {low: 1")
    with pytest.raises(UserError) as error:
        read_space(str(tmp_path / "bad.yaml"))
    one_sentence(error.value, "bad.yaml can't be read")


@pytest.mark.parametrize(
    ("space", "overrides", "parts"),
    [
        ({"rule": {"choices": ["printed", "eq19"]}}, [], ["rule=eq19", "did you mean"]),
        ({"optimizer.momentum": {"low": 0, "high": 1}}, [], ["optimizer.momentum=1", "below 1"]),
        ({"optimizer.momentum": {"low": 0, "high": 0.5}}, ["optimizer=newton"], ["momentum"]),
        ({"learning_rate": {"low": 0.1, "high": 1}}, ["learning_rate=0.2"], ["learning_rate=0.2", "leave it out"]),
        ({"learning_rate": {"low": 0.1, "high": 1}}, ["sample=3"], ["did you mean samples?"]),
    ],
)
def test_values_that_no_run_takes_are_known_before_any_training(space, overrides, parts):
    with pytest.raises(UserError) as error:
        Plan(check_space(space, "mine.yaml"), overrides).check()
    text = str(error.value)
    assert "\n" not in text
    assert all(part in text for part in parts)


def test_a_value_is_written_as_the_command_line_has_it():
    assert format_override("model.bias", True) == "model.bias=true"
    assert format_override("learning_rate", 1e-5) == "learning_rate=1e-05"
    assert compose_config(["learning_rate=1e-05"]).learning_rate == 1e-5
    assert format_override("model.hidden", "[40]") == "model.hidden=[40]"


def test_a_trial_is_the_run_that_train_would_make(tmp_path):
    plan = Plan({"learning_rate": SearchedField((), 0.1, 1.0)}, tiny())
    config = plan.make_config(tmp_path, {"learning_rate": 0.3}, threads=2)
    assert (config.learning_rate, config.model.hidden, config.samples) == (0.3, [40], 300)
    assert (config.output, config.resume, config.threads) == (str(tmp_path / "runs"), "true", 2)


def test_a_folder_keeps_its_study(tmp_path):
    plan = Plan(
        {"rule": SearchedField(("printed", "eq18")), "block": SearchedField((), 1, 8, whole=True)}, ["samples=3"], 4
    )
    store_plan(tmp_path / "s", plan)
    assert read_plan(tmp_path / "s") == plan
    store_plan(tmp_path / "s", plan)
    with pytest.raises(UserError) as error:
        store_plan(tmp_path / "s", Plan(plan.space, ["samples=4"], 4))
    one_sentence(error.value, "holds a study of other settings (samples=3, seed 4)", "another output=")


def test_letters_are_found_from_any_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = store_plan(
        tmp_path / "s", Plan({"block": SearchedField((), 1, 8)}, ["data=images", "data.path=letters.npz"])
    )
    assert plan.overrides[1] == f"data.path={Path.cwd() / 'letters.npz'}"


@pytest.mark.parametrize("content", ["", "{}", '{"space": 3, "overrides": [], "seed": 0}', '{"space": {}}'])
def test_a_damaged_study_gets_one_sentence(tmp_path, content):
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(UserError, match=r"no study\.json|damaged"):
        read_plan(tmp_path)
