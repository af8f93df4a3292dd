"""The command that tells what the letters say of the learning rate."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from tiny import command as train
from tiny import letters, run_folder, tiny

from letterocr import learning_rate
from letterocr.compose.from_overrides import compose_config
from letterocr.config.data import ImagesConfig
from letterocr.data import images
from letterocr.learning_rate import Figure, format_json, format_table, main


@pytest.fixture
def command(monkeypatch, capsys):
    """The command in this process: status, output and error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["letterocr.learning_rate", *arguments])
        capsys.readouterr()
        status, threads = 0, torch.get_num_threads()
        try:
            main()
        except SystemExit as end:
            status = end.code
        finally:
            torch.set_num_threads(threads)
        return status, *capsys.readouterr()

    return call


def few(*overrides: str, model: str = "two_layer") -> list[str]:
    return [a for a in tiny(*overrides, model=model) if not a.startswith("samples=")]


def test_for_programs_every_number_of_the_two_layer_network(command):
    status, out, err = command(*few("learning_rate=0.001"), "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    a = images.load(ImagesConfig(path=str(letters()), test_per_letter=1)).train.images.double().numpy()
    squares = np.linalg.svd(a, compute_uv=False) ** 2 / len(a)
    squares = squares[squares > 1e-12 * squares[0]]
    assert (found["letters"], found["inputs"], found["rank"]) == (104, 900, len(squares))
    expected = {
        "lambda_max": squares[0],
        "lambda_min": squares[-1],
        "lecun_rate": 1 / squares[0],
        "stability_limit": 2 / squares[0],
        "best_fixed_rate": 2 / (squares[0] + squares[-1]),
        "sample_limit": 2 / (a**2).sum(1).max(),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name
    assert found["epoch_limit"] > found["sample_limit"]
    assert found["learning_rate"] == [0.001]
    (radius,) = found["radius"]
    assert 0 < radius < 1
    assert 0 < found["radius_at_sample_limit"] < 1
    assert found["curvature"] == [pytest.approx(squares[0], rel=0.15)]  # 200 noisy steps
    assert found["curvature_rate"] == [1 / found["curvature"][0]]


def test_for_people_one_line_each_with_its_meaning(command):
    status, out, _ = command(*few("loss_factor=1", "learning_rate=auto"))
    lines = out.splitlines()
    assert status == 0
    assert lines[0] == "two_layer, gradient rule, images letters, loss 1 |q-c|^2"
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines[1:]}
    assert rows["stability_limit"][1].strip() == "full batch: 1/lambda_max, diverges above"
    assert rows["lecun_rate"][1].strip() == "full batch: 0.5/lambda_max (LeCun et al. 1991)"
    assert rows["learning_rate"] == [rows["sample_limit"][0], "of this config, auto"]
    assert len({line.index(rows[line.split()[0]][1]) for line in lines[1:]}) == 1  # a column


def test_deeper_networks_have_an_estimate_for_each_replica(command):
    arguments = few("learning_rate=auto", "replicas=2", model="three_layer")
    _, out, _ = command(*arguments, "--json")
    found = json.loads(out)
    assert found["learning_rate"] == found["curvature_rate"]
    assert len(set(found["curvature"])) == 2
    assert "sample_limit" not in found
    assert found["inputs"] == 901


def test_it_shows_the_number_that_the_run_takes(command, tmp_path):
    overrides = tiny("learning_rate=auto", f"output={tmp_path}")
    train(*overrides)
    stored = json.loads((run_folder(tmp_path) / "environment.json").read_text())["learning_rates"]
    for arguments in (overrides, [f"resume={run_folder(tmp_path)}"]):
        _, out, _ = command(*arguments, "--json", "threads=1")
        assert json.loads(out)["learning_rate"] == stored


def test_what_is_not_finite_is_null_for_programs():
    found = [Figure("radius", [math.inf, 1.5], "of two"), Figure("letters", 3, "N")]
    assert format_json(found) == '{"radius": [null, 1.5], "letters": 3}'
    assert format_table(found) == "  radius   inf, 1.5  of two\n  letters  3         N"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["model=tow_layer"], "model=tow_layer: there is no model tow_layer; did you mean two_layer?"),
        (["learning_rat=1"], "learning_rat=1: there is no field learning_rat; did you mean learning_rate?"),
        (["--jsn"], "--jsn: letterocr learning_rate has no such option; did you mean --json?"),
        (
            ["two_layer"],
            "two_layer: write model=two_layer.",
        ),
        (["learning_rate=-1"], "learning_rate=-1: must be a finite number at least 0."),
        (["resume=/none"], "resume=/none is not a run folder: it does not exist. Give the folder that train printed."),
        (
            ["model=spectral", "model.hidden=[20]"],
            "model=spectral: it is not a chain of weight matrices; take another model.",
        ),
        (["loss_factor=0"], "loss_factor=0: no loss, so every learning rate is as good as another."),
        (
            ["learning_rate=auto", "optimizer=smd"],
            "learning_rate=auto: no bound is known for the learning rate of optimizer=smd; give a number.",
        ),
    ],
)
def test_a_mistake_gets_one_sentence_and_status_2(command, arguments, sentence):
    assert command(*few(*arguments)) == (2, "", f"letterocr: {sentence}\n")


def test_a_value_that_hydra_refuses_gets_one_line(command):
    status, out, err = command("samples=many")
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "many" in err


def test_the_config_is_that_of_the_train_command():
    config = compose_config(["experiment=paper/fig7", "model=two_layer", "seed=3"])
    assert (config.rule, config.learning_rate, config.seed) == ("printed", 0.0005, 3)


def test_the_help_needs_neither_torch_nor_hydra():
    code = (
        "import sys; sys.argv = ['x', '--help']; from letterocr.learning_rate import make_parser; "
        "print(make_parser().format_help()); assert not {'torch', 'hydra', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == learning_rate.make_parser().format_help() + "\n"
