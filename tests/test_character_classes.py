"""`data.classes`: letters, digits or both through every kind of network, the run folder, reading and the play page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import one_sentence

import letterocr
from letterocr.api.playing import write_play_page
from letterocr.config.data import ALPHABETS

LITTLE: dict[str, Any] = {"data__train_per_letter": 3, "data__test_per_letter": 1, "samples": 20, "threads": 1}
PLAIN = LITTLE | {"engine": "reference", "device": "cpu", "tensorboard": False, "progress": False}
NETWORKS = {"two_layer": [], "three_layer": [8], "four_layer": [8, 7], "spectral": [4]}
DRAWN = {"letters": "a capital letter", "digits": "a digit", "all": "a capital letter or a digit"}


def learn(classes: str, output: Path | None = None, model: str = "three_layer", **fields: Any) -> letterocr.Run:
    own = {"model": model, "model__hidden": NETWORKS[model], "data__classes": classes, "output": output}
    return letterocr.fit(**PLAIN | own | fields)


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("classes", ["digits", "all"])
def test_every_network_learns_and_reads_them(classes: str, model: str, tmp_path: Path) -> None:
    run, alphabet = learn(classes, tmp_path, model), ALPHABETS[classes]
    assert run.folder is not None
    again = letterocr.load(run.folder)
    assert again.alphabet == run.alphabet == alphabet
    assert again.network.weights[-1].shape[1] == len(alphabet)
    assert f"classes_{classes}" in run.folder.name
    assert again.letters.test.alphabet == alphabet
    reading = again.read(again.letters.test.images[0])
    assert list(reading.letters[0].outputs) == list(alphabet)


def test_a_run_is_resumed(tmp_path: Path) -> None:
    whole = learn("digits")
    fields = PLAIN | {"model__hidden": [8], "data__classes": "digits", "output": tmp_path}
    del fields["progress"]
    for part in letterocr.iterate(**fields, every=10):
        if part.run.sample >= 10:
            break
    resumed = learn("digits", tmp_path)
    assert resumed.curve.test_error.tolist() == whole.curve.test_error.tolist()


@pytest.mark.parametrize("classes", DRAWN)
def test_the_play_page_says_what_to_draw(classes: str, tmp_path: Path) -> None:
    page = write_play_page([learn(classes)], tmp_path / "play.html").read_text()
    assert f"Draw {DRAWN[classes]}:" in page


def test_runs_of_several_alphabets_are_no_play_page(tmp_path: Path) -> None:
    runs = [learn(classes) for classes in ("letters", "all")]
    with pytest.raises(letterocr.UserError) as refused:
        write_play_page(runs, tmp_path / "play.html")
    one_sentence(refused.value, "reads A..Z, 0..9, but the first run reads A..Z: give runs of one alphabet.")


def test_a_run_of_26_outputs_is_not_read_with_36(tmp_path: Path) -> None:
    folder = learn("letters", tmp_path).folder
    assert folder is not None
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("classes: letters", "classes: all"))
    with pytest.raises(letterocr.UserError) as refused:
        _ = letterocr.load(folder).letters
    one_sentence(refused.value, f"{folder} has outputs for A..Z, but its letters are A..Z, 0..9 now")
    facts = json.loads((folder / "environment.json").read_text())
    (folder / "environment.json").write_text(json.dumps(facts | {"alphabet": ALPHABETS["all"]}))
    with pytest.raises(letterocr.UserError) as refused:
        letterocr.load(folder)
    one_sentence(refused.value, f"{folder}: the checkpoint does not fit")


def test_letters_of_a_notebook() -> None:
    both = letterocr.letters("synthetic", classes="all", train_per_letter=2, test_per_letter=1)
    assert both.train.images.shape == (72, 900)
    A = letterocr.matrix.alphabet(both.train, digits=True)
    assert letterocr.matrix.find_relation(A, "L + T - B + 3 = I").residual > 0
    assert torch.equal(A[:, :26], letterocr.matrix.alphabet(both.train, digits=False))
    run = letterocr.fit(data=both, model="two_layer", samples=5, engine="reference")
    assert run.network.weights[0].shape == (1, 36, 900)
