"""Every bad value is refused with its name and its mend; a run's identity is what can change its result."""

import copy
import math
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from helpers import small_config

from letterocr.base.errors import UserError
from letterocr.config.check import check_config
from letterocr.config.data import EmnistConfig, ImagesConfig, SyntheticConfig
from letterocr.config.identity import compute_identity
from letterocr.config.model.chain import ChainConfig
from letterocr.config.train import per_replica

RUNTIME = {"evaluation", "threads", "output", "resume", "force", "on_failure", "checkpoint_seconds", "diagnostics"}
RUNTIME |= {"snapshots", "tensorboard", "page"}
SOURCES = {"synthetic": SyntheticConfig(), "emnist": EmnistConfig(), "images": ImagesConfig(path="letters.npz")}


def changed(config: Any, place: str, value: Any) -> Any:
    """A copy of the config with one field, named with dots, set to the value."""
    config = copy.deepcopy(config)
    *parents, name = place.split(".")
    owner = config
    for parent in parents:
        owner = getattr(owner, parent)
    setattr(owner, name, value)
    return config


def refusal(config: Any) -> str:
    with pytest.raises(UserError) as caught:
        check_config(config)
    return str(caught.value)


@pytest.mark.parametrize("data", list(SOURCES.values()), ids=list(SOURCES))
def test_the_defaults_are_accepted(data):
    check_config(small_config(data=data))


@pytest.mark.parametrize(
    ("place", "value", "mend"),
    [
        ("rule", "gradent", "did you mean gradient?"),
        ("rule", "hebb", "printed, eq18, gradient"),
        ("order", "random", "shuffled, replacement, cyclic"),
        ("dtype", "float16", "float32, float64"),
        ("device", "tpu", "auto, cpu, cuda"),
        ("engine", "fast", "must be one of"),
        ("model.activation", "relu", "sigmoid, linear"),
        ("model.init_bias", "zeros", "did you mean zero?"),
        ("data.name", "synthetics", "did you mean synthetic?"),
        ("learning_rate", -0.1, "at least 0"),
        ("learning_rate", math.nan, "finite"),
        ("learning_rate", math.inf, "finite"),
        ("learning_rate", "fast", "must be a number"),
        ("learning_rate", True, "must be a number"),
        ("learning_rate", {"a": 1}, "must be a number"),
        ("loss_factor", math.nan, "finite"),
        ("loss_factor", -1.0, "at least 0"),
        ("samples", -1, "at least 0"),
        ("replicas", 0, "at least 1"),
        ("seed", -1, "at least 0"),
        ("threads", -2, "at least 0"),
        ("checkpoint_seconds", -1.0, "at least 0"),
        ("checkpoint_seconds", math.nan, "finite"),
        ("model.hidden", [0], "at least 1"),
        ("model.hidden", [1800, -3], "at least 1"),
        ("model.temperature", 0, "greater than 0"),
        ("model.temperature", 0.0, "greater than 0"),
        ("model.temperature", -150.0, "greater than 0"),
        ("model.temperature", math.nan, "finite"),
        ("model.temperature", math.inf, "finite"),
        ("model.temperature", "warm", "must be a number"),
        ("model.init_scale", -1.0, "at least 0"),
        ("model.init_scale", math.inf, "finite"),
        ("data.train_per_letter", 0, "at least 1"),
        ("data.test_per_letter", 0, "at least 1"),
        ("data.repetitions", 0, "at least 1"),
        ("data.seed", -1, "at least 0"),
        ("evaluate_every", "0", "at least 1, or log"),
        ("evaluate_every", "-5", "at least 1, or log"),
        ("evaluate_every", "1.5", "whole number"),
        ("evaluate_every", "often", "whole number"),
        ("evaluate_every", "", "whole number"),
    ],
    ids=str,
)
def test_a_bad_value_is_refused_with_its_place_and_its_mend(place, value, mend):
    message = refusal(changed(small_config(), place, value))
    assert message.startswith(f"{place}={value}: ")
    assert mend in message
    assert message.endswith(".")


@pytest.mark.parametrize("place", ["learning_rate", "model.temperature", "model.init_scale"])
@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [1.0] * 4], ids=str)
def test_a_list_needs_one_value_for_each_replica(place, values):
    message = refusal(changed(small_config(replicas=3), place, values))
    assert message.startswith(f"{place}={values}: ")
    assert "replicas=3" in message
    check_config(changed(small_config(replicas=3), place, [1.0, 2.0, 3.0]))


@pytest.mark.parametrize(
    ("place", "bad"),
    [
        ("learning_rate", -1.0),
        ("learning_rate", math.nan),
        ("learning_rate", "x"),
        ("learning_rate", [1.0]),
        ("model.temperature", 0.0),
        ("model.init_scale", math.inf),
    ],
)
def test_one_bad_value_in_a_list_is_refused(place, bad):
    message = refusal(changed(small_config(replicas=2), place, [1.0, bad]))
    assert message.startswith(f"{place}=[1.0, ")


@pytest.mark.parametrize("place", ["learning_rate", "loss_factor", "model.temperature", "model.init_scale"])
@pytest.mark.parametrize("value", [None, [1.0, None]], ids=str)
def test_null_is_no_number(place, value):
    assert refusal(changed(small_config(replicas=2), place, value)).startswith(f"{place}={value}: ")


def test_the_two_layer_network_has_no_hidden_layer():
    message = refusal(small_config(model=ChainConfig(name="two_layer", hidden=[5])))
    assert message.startswith("model.hidden=[5]: ")
    assert "model=three_layer" in message


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("samples", 0),
        ("learning_rate", 0),
        ("evaluate_every", "log"),
        ("evaluate_every", "250"),
        ("model.hidden", []),
        ("model.hidden", [3, 4, 5]),
        ("model.temperature", 150),
        ("data", EmnistConfig(train_per_letter=35)),
        ("data", EmnistConfig(train_per_letter=None, path=None)),
    ],
    ids=str,
)
def test_an_unusual_value_that_has_a_meaning_is_accepted(place, value):
    check_config(changed(small_config(), place, value))


def test_one_value_is_shared_and_a_list_is_given_out():
    assert per_replica(2, 3) == [2.0, 2.0, 2.0]
    assert per_replica([1, 2.5], 2) == [1.0, 2.5]


def places(config: Any, prefix: str = "") -> list[str]:
    """Every field of a config and of the configs inside it, with dots."""
    found = []
    for f in fields(config):
        value = getattr(config, f.name)
        found += places(value, f"{prefix}{f.name}.") if is_dataclass(value) else [prefix + f.name]
    return found


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, list):
        return [*value, 3]
    return 3 if value is None else value + "x"


def get(config: Any, place: str) -> Any:
    for name in place.split("."):
        config = getattr(config, name)
    return config


EVERY_FIELD = [(source, place) for source, data in SOURCES.items() for place in places(small_config(data=data))]


@pytest.mark.parametrize(("source", "place"), EVERY_FIELD, ids=str)
def test_the_identity_changes_with_what_can_change_the_result_and_with_nothing_else(source, place):
    config = small_config(data=SOURCES[source])
    other = changed(config, place, "elsewhere" if place == "data.path" else another(get(config, place)))
    assert (compute_identity(other) == compute_identity(config)) is (place in RUNTIME)


def test_the_identity_is_short_and_stays_the_same():
    assert len(compute_identity(small_config())) == 12
    assert set(compute_identity(small_config())) <= set("0123456789abcdef")
    assert compute_identity(small_config()) == compute_identity(small_config())


def test_taking_the_identity_changes_no_field():
    config = small_config(data=ImagesConfig(path="letters.npz"))
    before = copy.deepcopy(config)
    compute_identity(config)
    assert config == before


def test_one_path_written_in_two_ways_is_one_identity(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = ["letters.npz", "./a/../letters.npz", str(tmp_path / "letters.npz"), "~/letters.npz"]
    assert len({compute_identity(small_config(data=ImagesConfig(path=path))) for path in paths}) == 1


@pytest.mark.parametrize("place", ["learning_rate", "model.temperature", "model.init_scale"])
def test_a_whole_number_and_the_same_float_are_one_identity(place):
    one, other = changed(small_config(), place, 1), changed(small_config(), place, 1.0)
    assert compute_identity(one) == compute_identity(other)
