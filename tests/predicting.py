"""A small network that knows 26 glyphs, and the command that reads pictures with it; fixtures and helpers."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import GLYPHS, write_letters

from letterocr.config.data import ImagesConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import ALPHABET
from letterocr.predict import main
from letterocr.run.training import run

CPU = torch.device("cpu")


class Answer(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """The folder of a run that learned the glyphs."""
    folder = tmp_path_factory.mktemp("trained")
    write_letters(folder / "letters.npz")
    config = TrainConfig(
        model=ChainConfig(hidden=[30]),
        rule="eq18",
        data=ImagesConfig(path=str(folder / "letters.npz"), test_per_letter=1),
        optimizer=VanillaConfig(),
        learning_rate=0.1,
        samples=2000,
        evaluate_every="log",
        engine="reference",
        device="cpu",
        threads=1,
        tensorboard=False,
        output=str(folder),
    )
    threads = torch.get_num_threads()
    try:
        outcome = run(config, live=False)
    finally:
        torch.set_num_threads(threads)
    assert outcome.error == 0
    return outcome.folder


@pytest.fixture
def copy(trained, tmp_path) -> Path:
    """A run folder to damage."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def predict(monkeypatch, capsys):
    """The command in this process."""

    def call(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["letterocr.predict", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return Answer(code, out, err) if isinstance(code, int) else Answer(1, out, err + f"{code}\n")

    return call


def glyph(letter: str, scale: int = 8, margin: tuple[int, int] = (10, 10)) -> np.ndarray:
    """Black on white, [H, W] uint8."""
    bits = np.array([[int(bit) for bit in row] for row in GLYPHS[ALPHABET.index(letter)].split()], dtype=np.uint8)
    ink = np.pad(bits.repeat(scale, 0).repeat(scale, 1), (margin, margin))
    return 255 * (1 - ink)


def saved(path: Path, picture: np.ndarray | Image.Image, **options) -> Path:
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path, **options)
    return path


def assert_one_line(err: str, *parts: str) -> None:
    assert len(err.splitlines()) == 1, err
    assert err.startswith("letterocr: ")
    assert err.endswith((".\n", "?\n"))
    for part in parts:
        assert part in err
