"""The command that reads pictures: a small network that knows 26 glyphs, and everything that can be wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from predicting import CPU, assert_one_line, copy, glyph, predict, saved, trained

from letterocr.api.trained_run import load
from letterocr.data.ink import normalise
from letterocr.data.letters import ALPHABET
from letterocr.run import checkpoint

__all__ = ["copy", "predict", "trained"]

# What is read


def test_every_letter_is_read(trained, tmp_path, predict):
    paths = [saved(tmp_path / f"{letter}.png", glyph(letter)) for letter in ALPHABET]
    answer = predict(trained, *paths)
    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert len(lines) == 26
    for path, letter, text in zip(paths, ALPHABET, lines, strict=True):
        assert text.startswith(f"{path}: {letter}, else ")
        assert f"[{letter} " in text  # the first of the outputs, with its share
        assert "%" in text


def test_pictures_of_any_size_polarity_and_kind_are_read(trained, tmp_path, predict):
    clear = Image.new("RGBA", (100, 120), (0, 0, 0, 0))
    clear.paste("red", (20, 30), mask=Image.fromarray(255 - glyph("R")))
    paths = [
        saved(tmp_path / "tiny.png", glyph("R", 1, (1, 1))),
        saved(tmp_path / "large.png", glyph("R", 200, (30, 900))),
        saved(tmp_path / "inverted.bmp", 255 - glyph("R")),
        saved(tmp_path / "grey.tif", 100 + glyph("R") // 4),
        saved(tmp_path / "noisy.jpg", glyph("R", 20), quality=20),
        saved(tmp_path / "clear.png", clear),
        saved(tmp_path / "deep.png", glyph("R").astype(np.uint16) * 257),
    ]
    answer = predict(trained, *paths)
    assert (answer.status, answer.err) == (0, "")
    assert [text.partition(",")[0] for text in answer.out.splitlines()] == [f"{path}: R" for path in paths]


def test_json_is_one_object_a_line_with_26_shares(trained, tmp_path, predict):
    paths = [saved(tmp_path / f"a {letter} Ä.png", glyph(letter)) for letter in "QX"]
    answer = predict("--json", trained, *paths)
    assert answer.status == 0
    readings = [json.loads(text) for text in answer.out.splitlines()]
    assert [reading["file"] for reading in readings] == [str(path) for path in paths]
    assert [reading["letter"] for reading in readings] == ["Q", "X"]
    for reading in readings:
        outputs = reading["outputs"]
        assert "".join(outputs) == ALPHABET
        assert all(0 <= share <= 1 for share in outputs.values())
        assert sum(outputs.values()) == pytest.approx(1)
        first, second = sorted(outputs, key=lambda letter: -outputs[letter])[:2]
        assert (reading["letter"], reading["runner_up"]) == (first, second)


def test_the_outputs_are_those_of_the_checkpoint(trained, tmp_path, predict):
    path = saved(tmp_path / "k.png", glyph("K"))
    reading = json.loads(predict("--json", trained, path).out)
    _, tensors, _ = checkpoint.load(trained / "checkpoints", CPU)
    a = normalise(glyph("K").astype(np.float32) / 255, "k").double().numpy()
    for k in range(2):
        w, b = (tensors[f"{name}.{k}"][0].double().numpy() for name in ("weight", "bias"))
        a = 1 / (1 + np.exp(-(w @ a + b)))
    assert list(reading["outputs"].values()) == pytest.approx((a / a.sum()).tolist(), abs=1e-4)


def test_the_letter_is_drawn_as_large_as_those_of_the_training(copy, tmp_path, predict, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "letterocr.api.reading.rank_outputs", lambda network, a, alphabet: drawn.append(a) or ("H", "N", {"H": 1.0})
    )
    path = saved(tmp_path / "h.png", glyph("H"))
    facts = json.loads((copy / "environment.json").read_text())
    assert facts["box"] == 24
    for box in (24, 15):
        (copy / "environment.json").write_text(json.dumps(facts | {"box": box}))
        predict("--one", copy, path)
    heights = [int((a.view(30, 30) > 0.25).any(1).sum()) for a in drawn]
    assert heights == [24, 15]


# What is refused


def test_pictures_that_can_not_be_read_leave_the_others(trained, tmp_path, predict):
    good = [saved(tmp_path / f"{letter}.png", glyph(letter)) for letter in "AB"]
    broken, blank = tmp_path / "broken.png", saved(tmp_path / "blank.png", np.full((20, 30), 255, dtype=np.uint8))
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    answer = predict(trained, broken, good[0], tmp_path / "none.png", blank, good[1])
    assert answer.status == 2
    assert [text.partition(",")[0] for text in answer.out.splitlines()] == [f"{good[0]}: A", f"{good[1]}: B"]
    sentences = answer.err.splitlines()
    says = ("broken.png can't be read", "none.png: there is no such file", "blank.png is blank")
    assert len(sentences) == len(says)
    for sentence, part in zip(sentences, says, strict=True):
        assert sentence.startswith("letterocr: ")
        assert part in sentence


def test_no_run_folder(tmp_path, predict):
    path = saved(tmp_path / "a.png", glyph("A"))
    for folder in (tmp_path / "none", tmp_path, path):
        answer = predict(folder, path)
        assert (answer.status, answer.out) == (2, "")
        assert_one_line(answer.err, str(folder), "not a run folder", "Give the folder that train printed")


def test_no_whole_checkpoint(copy, tmp_path, predict):
    path = saved(tmp_path / "a.png", glyph("A"))
    for damaged in copy.glob("checkpoints/*.safetensors"):
        damaged.write_bytes(damaged.read_bytes()[:-1])
    assert_one_line(predict(copy, path).err, str(copy), "no whole checkpoint", "train it first")
    shutil.rmtree(copy / "checkpoints")
    answer = predict(copy, path)
    assert (answer.status, answer.out) == (2, "")
    assert_one_line(answer.err, str(copy), "no whole checkpoint", "train it first")


def test_a_damaged_checkpoint_leaves_the_one_before(copy, tmp_path, predict):
    _, tensors, _ = checkpoint.load(copy / "checkpoints", CPU)
    checkpoint.save(copy / "checkpoints", 9_999, tensors, {})
    newest = copy / "checkpoints" / f"{9_999:012d}.safetensors"
    newest.write_bytes(b"damaged")
    answer = predict(copy, saved(tmp_path / "m.png", glyph("M")))
    assert answer.status == 0
    assert "m.png: M, else" in answer.out


@pytest.mark.parametrize(
    ("old", "new"),
    [("- 30", "- 31"), ("- 30", "- 30\n  - 30"), ("replicas: 1", "replicas: 2"), ("bias: true", "bias: false")],
)
def test_a_config_that_was_changed_since(copy, tmp_path, predict, old, new):
    text = (copy / "config.yaml").read_text()
    assert text.count(old) == 1
    (copy / "config.yaml").write_text(text.replace(old, new))
    answer = predict(copy, saved(tmp_path / "a.png", glyph("A")))
    assert (answer.status, answer.out) == (2, "")
    assert_one_line(answer.err, str(copy), "does not fit config.yaml")


@pytest.mark.parametrize("name", ["config.yaml", "environment.json"])
def test_a_damaged_file_of_the_run_folder(copy, tmp_path, predict, name):
    (copy / name).write_text("{")
    answer = predict(copy, saved(tmp_path / "a.png", glyph("A")))
    assert (answer.status, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
    assert name in answer.err


def test_a_run_that_diverged(copy, tmp_path, predict):
    _, tensors, _ = checkpoint.load(copy / "checkpoints", CPU)
    tensors["weight.1"][0, 3, 4] = float("nan")
    checkpoint.save(copy / "checkpoints", 9_999, tensors, {})
    answer = predict(copy, saved(tmp_path / "a.png", glyph("A")))
    assert (answer.status, answer.out) == (2, "")
    assert_one_line(answer.err, str(copy), "diverged", "learning_rate")


@pytest.mark.parametrize("arguments", [[], ["run"], ["--jsno", "run", "a.png"]])
def test_a_command_that_is_not_complete(predict, arguments):
    answer = predict(*arguments)
    assert answer.status == 2
    assert_one_line(answer.err, "letterocr predict")


def test_help_names_every_argument(predict):
    answer = predict("--help")
    assert answer.status == 0
    for part in ("RUN_FOLDER", "PICTURE", "--json", "--one", "--show"):
        assert part in answer.out


def test_load_gives_the_trained_network(trained):
    network = load(trained).network
    assert [tuple(w.shape) for w in network.weights] == [(1, 30, 900), (1, 26, 30)]
    _, tensors, _ = checkpoint.load(trained / "checkpoints", CPU)
    assert torch.equal(network.weights[0], tensors["weight.0"])


def test_the_command_in_a_process_of_its_own_prints_names_that_are_no_text(trained, tmp_path):
    saved(tmp_path / "e.png", glyph("E"))
    strange = os.path.join(os.fsencode(tmp_path), b"\xff.png")
    shutil.copy(tmp_path / "e.png", strange)
    command = [sys.executable, "-m", "letterocr.predict", str(trained), strange, str(tmp_path / "none.png"), "e.png"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert answer.returncode == 2
    lines = answer.stdout.decode().splitlines()
    assert [text.partition(", else")[0] for text in lines] == [f"{tmp_path}/\\udcff.png: E", "e.png: E"]
    assert b"none.png: there is no such file" in answer.stderr
    assert b"Traceback" not in answer.stderr


def test_a_run_of_an_earlier_version_says_that_it_refuses_nothing(copy, tmp_path, predict):
    with np.load(copy / "familiarity.npz") as stored:
        early = {name: stored[name] for name in stored.files if name != "weights"}
    np.savez(copy / "familiarity.npz", **early)
    answer = predict(copy, saved(tmp_path / "a.png", glyph("A")))
    assert (answer.status, answer.out[-1:]) == (0, "\n")
    assert_one_line(answer.err, str(copy), "earlier version", "train it again")
