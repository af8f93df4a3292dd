"""The search spaces: equal points, equal size, and defaults that are the train command's."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from letterocr.compare.contenders import (
    CONTENDERS,
    NETWORKS,
    draw_points,
    get_field,
    make_trial_values,
    set_fields,
)
from letterocr.compose import registry
from letterocr.compose.from_overrides import compose_config
from letterocr.config.check import check_config
from letterocr.config.contender import SearchRange


def halton(index: int, base: int) -> float:
    """The radical inverse (Halton 1960)."""
    value, digit = 0.0, 1.0
    while index:
        digit /= base
        index, remainder = divmod(index, base)
        value += digit * remainder
    return value


def test_points_are_haltons_and_the_first_of_any_longer_list() -> None:
    np.testing.assert_allclose(draw_points(20), [[halton(i, 2), halton(i, 3)] for i in range(1, 21)], atol=1e-15)
    np.testing.assert_array_equal(draw_points(7), draw_points(20)[:7])


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_space_is_of_one_size(name: str) -> None:
    rate, *further = CONTENDERS[name].space
    assert rate.path == "learning_rate"
    assert rate.at(1) / rate.at(0) == pytest.approx(1e4)
    assert len(further) <= 1
    for r in further:
        ends = [1 - r.at(u) if r.below_one else r.at(u) for u in (0, 1)]
        assert ends[1] / ends[0] == pytest.approx(1e2)


def test_a_range_is_uniform_in_the_logarithm() -> None:
    r = SearchRange("learning_rate", 1e-3, 4)
    assert [math.log10(r.at(u)) for u in (0, 0.25, 0.5, 1)] == pytest.approx([-3, -2, -1, 1])
    assert SearchRange("optimizer.momentum", 0.01, below_one=True).at(0.5) == pytest.approx(0.9)


def test_all_optimizers_take_part() -> None:
    named = {
        o.removeprefix("optimizer=") for c in CONTENDERS.values() for o in c.overrides if o.startswith("optimizer=")
    }
    assert named == set(registry.OPTIMIZERS)


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_trial_is_a_config_that_can_run(name: str) -> None:
    contender = CONTENDERS[name]
    config = compose_config(["model=two_layer", *contender.overrides])
    for point in [[0.001, 0.001], [0.999, 0.999], *draw_points(5)]:
        values = make_trial_values(contender, np.array(point))
        trial = set_fields(config, values)
        check_config(trial)
        assert {path: get_field(trial, path) for path in values} == values
        assert unlike(config, trial) <= set(values)  # nothing else changed


def unlike(one: Any, other: Any, prefix: str = "") -> set[str]:
    """The paths of the fields that differ."""
    if is_dataclass(one):
        return {
            p for f in fields(one) for p in unlike(getattr(one, f.name), getattr(other, f.name), f"{prefix}{f.name}.")
        }
    if isinstance(one, dict):
        return {p for key in one for p in unlike(one[key], other[key], f"{prefix}{key}.")}
    if isinstance(one, list):
        pairs = enumerate(zip(one, other, strict=True))
        return {p for i, (x, y) in pairs for p in unlike(x, y, f"{prefix}{i}.")}
    return set() if one == other else {prefix.removesuffix(".")}


@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_range_has_the_default_in_it(name: str, network: str) -> None:
    config = compose_config([f"model={network}", *CONTENDERS[name].overrides])
    for r in CONTENDERS[name].space:
        low, high = sorted((r.at(0), r.at(1)))
        assert low <= get_field(config, r.path) <= high


def test_a_contenders_defaults_are_the_train_commands() -> None:
    config = compose_config(["model=two_layer", *CONTENDERS["vanilla"].overrides])
    assert (config.learning_rate, config.optimizer.momentum) == (0.0005, 0.0)
    assert compose_config(["model=three_layer", *CONTENDERS["vanilla"].overrides]).learning_rate == 0.05
