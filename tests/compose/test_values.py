"""Values as people type them: what is taken, and the sentence for what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import one_sentence
from tiny import command, composed

from letterocr.base.errors import UserError
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.overrides import prepare

FILES = [
    "letters (1).npz",
    "Anna's.npz",
    "a=b.npz",
    "müller/l.npz",
    "书写/l.npz",
    "a,b.npz",
    "[x] #1.npz",
    'a "b"!.npz',
]


def refused(*overrides: str, is_sweep: bool = False) -> str:
    with pytest.raises(UserError) as end:
        prepare(overrides, is_sweep)
    return one_sentence(end.value)


@pytest.mark.parametrize("name", FILES)
def test_a_path_is_taken_as_it_is_typed_in_a_run_and_in_a_sweep(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).touch()
    for is_sweep in (False, True):
        typed = [f"data.path={name}", f"output={name}", f"resume={name}", "data=images"]
        resolved = prepare(typed, is_sweep)
        from hydra.core.override_parser.overrides_parser import OverridesParser

        for override in OverridesParser.create().parse_overrides(resolved[:3]):
            assert not override.is_sweep_override()
            assert getattr(override.value(), "text", override.value()) == name


def test_a_path_needs_no_file_to_be_taken_as_it_is_typed() -> None:
    config = compose_config(["data=images", "data.path=~/x (1).npz", "output=1e3", "model.name=my net [2]"])
    assert (config.data.path, config.output, config.model.name) == ("~/x (1).npz", "1e3", "my net [2]")  # type: ignore[attr-defined]
    assert compose_config(["output=a,b"]).output == "a,b"
    assert compose_config(["output='a b'"]).output == "a b"  # quotes of Hydra's grammar still work
    assert compose_config(["resume=True"]).resume == "true"
    assert compose_config(["data=emnist", "data.path=null"]).data.path is None  # type: ignore[attr-defined]


def test_in_a_sweep_a_comma_parts_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert prepare(["data.path=~/a.npz,b (1).npz"], True) == ["data.path='~/a.npz','b (1).npz'"]
    assert prepare(["output=${oc.env:HOME,x},choice(a,b)"], True) == ["output=${oc.env:HOME,x},choice(a,b)"]
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        Path(name).touch()
    assert refused("data.path=a,b") == "data.path=a,b: several values make a sweep: add -m."


def test_hydras_folders_may_begin_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert prepare(["hydra.sweep.dir=~/my sweeps"]) == ["hydra.sweep.dir='/home/ada/my sweeps'"]


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        ("samples=1e4", "samples", 10_000),
        ("samples=2.0", "samples", 2),
        ("samples=20_000", "samples", 20_000),
        ("model.hidden=[1e2,64.]", "model.hidden", [100, 64]),
        ("evaluate_every=1e2", "evaluate_every", "100"),
        ("batch=5.", "batch", "5"),
        ("learning_rate=1e\N{MINUS SIGN}3", "learning_rate", 0.001),
        ("learning_rate=.05", "learning_rate", 0.05),
    ],
)
def test_numbers_as_people_write_them(typed: str, field: str, value: object) -> None:
    config: object = compose_config([typed])
    for name in field.split("."):
        config = getattr(config, name)
    assert config == value


def test_a_sweep_over_numbers_as_people_write_them() -> None:
    assert prepare(["samples=1e2,2e2", "seed=range(1e1)"], True) == ["samples=100,200", "seed=range(10)"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("learning_rate=0,05", "learning_rate=0,05: a number has a point: write learning_rate=0.05."),
        ("optimizer.momentum=0,9", "optimizer.momentum=0,9: a number has a point: write optimizer.momentum=0.9."),
        ("samples=20,000", "samples=20,000: a number has no commas: write samples=20000."),
        ("samples=20k", "samples=20k: write all digits, samples=20000."),
        ("seed=1..3", "seed=1..3: for a sweep over these numbers write -m 'seed=range(1,4)'."),
        ("seed=0-7", "seed=0-7: for a sweep over these numbers write -m 'seed=range(0,8)'."),
        ("learning_rate=0.1,", "a value is missing after the comma; write learning_rate=0.1, or all values"),
        ("learning_rate=,0.1", "a value is missing before the comma; write learning_rate=0.1, or"),
        ("learning_rate=0.1,,1", "a value is missing after a comma; write learning_rate=0.1,1, or"),
        ("model=two_layer,", "a value is missing after the comma; write model=two_layer, or"),
        ("model=3_layer", "there is no model 3_layer; did you mean three_layer?"),
        ("optimizer=Adam", "there is no optimizer Adam; for PyTorch's write optimizer=torch optimizer.name=Adam."),
        ("optimizer=rmsprop", "optimizer=torch optimizer.name=RMSprop."),
        ("epochs=3", "samples= counts letters; 3 epochs are 15,600 of these letters: write samples=15600."),
        ("lr=0.1", "there is no field lr; did you mean learning_rate?"),
        ("momentum=0.9", "did you mean optimizer.momentum?"),
        ("multirun=true", "multirun=true: there is no field multirun; did you mean -m?"),
        ("hydra.launcher=local", "did you mean launcher?"),
        ("+samples=3", "+samples=3: write it without the plus, samples=3."),
        ("+experiment=paper/fig7", "write it without the plus, experiment=paper/fig7."),
        ("output=runs/${hydra:job.num}", "output=runs/${hydra:job.num}: is the same for all runs"),
        (
            "experiment=glob(x*)",
            "experiment=glob(x*): no experiment has such a name; there are paper/fig7, paper/fig8.",
        ),
    ],
)
def test_a_mistake_is_a_sentence_with_what_to_write(typed: str, sentence: str) -> None:
    assert sentence in refused(typed)


def test_decimal_commas_are_found_in_a_sweep_and_other_commas_are_its_own() -> None:
    said = refused("learning_rate=0,001,0,002", is_sweep=True)
    assert said == "learning_rate=0,001,0,002: a number has a point: write learning_rate=0.001,0.002."
    assert "write samples=20000" in refused("samples=20,000", is_sweep=True)
    fine = ["learning_rate=0,1", "samples=100,200", "seed=10,20"]
    assert prepare(fine, True) == fine


def test_epochs_of_other_letters_are_counted_or_not() -> None:
    assert "3 epochs are 156 of" in refused("epochs=3", "data.train_per_letter=2")
    assert "3 epochs are 3 times the letters to train" in refused("data=emnist", "epochs=3")
    assert "an epoch is 1 times the letters" in refused("epochs=many")


def test_a_pattern_of_presets_finds_those_in_folders_too() -> None:
    assert prepare(["experiment=glob(paper/*)"], True) == ["experiment=paper/fig7,paper/fig8"]
    assert prepare(["experiment=glob(*,exclude=*8)"], True) == ["experiment=paper/fig7"]
    assert prepare(["model=glob([t*,s*],exclude=two*)"], True) == ["model=three_layer,spectral"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("--model three_layer", "--model: a field has no dashes; write model=three_layer."),
        ("--learning-rate=0.1", "a field has no dashes; write learning_rate=0.1."),
        ("model three_layer", "model: a field has no blanks; write model=three_layer."),
        ("seed = 3", "seed: a field has no blanks; write seed=3."),
        ("three_layer", "three_layer: write model=three_layer."),
        ("learning_rate=0.1, 0.2", "learning_rate=0.1, 0.2: a blank ends an argument; write learning_rate=0.1,0.2, or"),
        ("sweep", "letterocr train takes no such argument"),
        ("--sweep", "letterocr train has no such option"),
        ("--config-dir", "expected one argument"),
        ("--config-dir /nowhere", "--config-dir /nowhere: there is no folder /nowhere."),
        ("-m --cfg job", "--multirun --cfg: only one of these goes at a time"),
        ("--resolve", "--resolve: is only for --cfg"),
        ("seed=1,2", "seed=1,2: several values make a sweep: add -m."),
        ("learning_rate=1,2", "add -m; for a list write learning_rate=[1,2]."),
        ("seed=range(3", "seed=range(3: a bracket is not closed"),
        ("order=a&b", """order=a&b: this value can't be read; if it is a text, write 'order='"'"'a&b'"'"''."""),
        ("hydra/sweeper=optuna", "hydra/sweeper=optuna: there is no such plugin here;"),
        ("hydra/sweeper=optuna", "`letterocr search` searches"),
        ("hydra/launcher=joblib", "write launcher=local"),
        ("experiment=[xyzzy]", "experiment=xyzzy: there is no such preset"),
        ("-m seed=range(0)", "seed=range(0): gives no value, so there is no run in this sweep."),
        ("-m learning_rate=interval(0,1)", "a sweep can't take every number of a range"),
    ],
)
def test_a_command_line_that_can_not_be_read_ends_with_a_sentence_and_status_2(
    typed: str, sentence: str, tmp_path: Path
) -> None:
    answer = command(*typed.split(), cwd=tmp_path)
    assert (answer.status, answer.out) == (2, "")
    assert sentence in answer.sentence


def test_no_preset_is_the_default() -> None:
    assert composed("experiment=null", "launcher=null").samples == 20_000
