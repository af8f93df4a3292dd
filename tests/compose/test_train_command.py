"""The command that a page shows composes the very run that it shows."""

from __future__ import annotations

import shlex

import pytest

from letterocr.compose.defaults import find_defaults, label_alone, list_differing, list_fields
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.train_command import list_overrides, write_command
from letterocr.config.identity import compute_identity

COMMANDS = [
    "model=three_layer",
    "model=two_layer optimizer=newton batch=all optimizer.ridge=0",
    "model=spectral model.hidden=[6] replicas=2 samples=60",
    "model.name=mine model.hidden=[40]",
    "model=four_layer rule=printed data=images 'data.path=/letters of mine/a.npz' data.seed=3",
    "optimizer=torch optimizer.name=SGD optimizer.options={momentum:0.5,nesterov:true} learning_rate=auto",
    "replicas=2 learning_rate=[0.01,0.05] model.temperature=[1,2] evaluate_every=log seed=5",
]


@pytest.mark.parametrize("words", COMMANDS)
def test_the_command_trains_the_same_run(words: str) -> None:
    config = compose_config(shlex.split(words))
    command = shlex.split(write_command(config))
    assert command[:2] == ["letterocr", "train"]
    assert compute_identity(compose_config(command[2:])) == compute_identity(config)


def test_nothing_is_said_of_what_a_choice_sets() -> None:
    config = compose_config(["rule=printed", "model=two_layer"])
    assert list_overrides(config) == ["model=two_layer", "rule=printed"]
    assert list_differing(config) == ["model.name", "rule"]
    differing = {name for name, value in list_fields(config).items() if find_defaults(config)[name] != value}
    assert differing == {"rule"}
    assert label_alone(config) == "two layers, printed rule, learning rate 0.0005"
