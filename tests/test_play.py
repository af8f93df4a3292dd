"""The command `letterocr play` and `run.play()`: what the page holds, and what is refused."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fitted import TINY

import letterocr
from letterocr import play
from letterocr.api.playing import write_play_page
from letterocr.compose.from_overrides import compose_config
from letterocr.pages.play.packing import pack_weights

SHORT = TINY | {"samples": 20, "engine": "reference"}


def read_data(path: Path) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> letterocr.Run:
    return letterocr.fit(**SHORT, output=tmp_path_factory.mktemp("runs"), progress=False)


def test_the_command_writes_the_page_into_the_run_folder(run: letterocr.Run, capsys) -> None:
    assert run.folder is not None
    play.main([str(run.folder)])
    path = run.folder / "play.html"
    assert capsys.readouterr().out == f"Page: {path}\n"
    (network,) = read_data(path)["networks"]
    assert network["sizes"] == [900, 40, 26]
    assert network["notes"] == []
    assert 'src="' not in path.read_text()
    assert "{{" not in path.read_text()


def test_a_run_in_memory_has_a_page_too(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert letterocr.fit(**SHORT).play() == Path("play.html")
    assert len(read_data(Path("play.html"))["test"]["labels"]) == 26


def test_without_a_run_two_networks_are_trained_first(tmp_path: Path, monkeypatch, capsys) -> None:
    small = tuple(fields | {"samples": 3} for fields in play.TRAINED)
    small[0]["model__hidden"] = [20]
    monkeypatch.setattr(play, "TRAINED", small)
    own = {name: value for name, value in TINY.items() if name.startswith("data")}
    monkeypatch.setattr(play, "SHARED", play.SHARED | own)
    monkeypatch.chdir(tmp_path)
    play.main([])
    assert capsys.readouterr().out.splitlines()[-1] == "Page: play.html"
    networks = read_data(Path("play.html"))["networks"]
    assert [network["sizes"] for network in networks] == [[900, 20, 26], [900, 26]]
    assert [network["rule"] for network in networks] == ["printed", "gradient"]
    assert [network["playback"]["samples"] for network in networks] == [[0, 1, 2, 3]] * 2
    assert networks[1]["playback"]["worst"] is not None


def test_what_a_reader_should_know_stands_on_the_page(run: letterocr.Run, tmp_path: Path) -> None:
    half = replace(run, status="unfinished", sample=12)
    ((note,),) = [n["notes"] for n in read_data(half.play(tmp_path / "half.html"))["networks"]]
    assert note == "This run is not finished: it has learned 12 of 20 samples."
    weights = [torch.full_like(w, torch.nan) for w in run.network.weights]
    lost = replace(run, status="diverged", network=replace(run.network, weights=weights))
    (network,) = read_data(lost.play(tmp_path / "lost.html"))["networks"]
    assert network["notes"][0].startswith("This run diverged")
    (tmp_path / "snapshots.npz").write_text("no arrays")
    (network,) = read_data(replace(run, folder=tmp_path).play(tmp_path / "damaged.html"))["networks"]
    assert network["playback"] is None
    assert "can't be played back" in network["notes"][0]


def test_what_has_no_page_is_refused(run: letterocr.Run, tmp_path: Path, capsys) -> None:
    for arguments, part in (
        ([str(tmp_path / "none")], "is not a run folder"),
        ([str(run.folder), "output=/proc/x.html"], "can't be written"),
    ):
        with pytest.raises(SystemExit) as end:
            play.main(arguments)
        assert end.value.code == 2
        err = capsys.readouterr().err
        assert part in err
        assert len(err.splitlines()) == 1
    spectral = replace(run, config=replace(run.config, model=compose_config(["model=spectral"]).model))
    for runs, part in (
        ([run] * 5, "at most 4"),
        ([spectral], "chains"),
        ([run, replace(run, alphabet="AB")], "alphabet"),
    ):
        with pytest.raises(letterocr.UserError, match=part):
            write_play_page(runs, tmp_path / "x.html")


def unpack(packed: dict, dtype: str) -> np.ndarray:
    raw = zlib.decompress(base64.b64decode(packed["data"]))
    return np.frombuffer(raw, dtype).reshape(packed["shape"])


def test_weights_of_any_size_are_packed_into_16_bits() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(4, 50)) * np.array([[1e-9], [1.0], [1e7], [0.0]])
    packed = pack_weights(torch.from_numpy(weights))
    steps, scales = unpack(packed, "<i2"), unpack(packed["scales"], "<f4")
    assert np.abs(steps).max() == 32767
    np.testing.assert_array_less(np.abs(steps * scales[:, None].astype(float) - weights).max(1), 0.51 * scales)
    assert len(packed["data"]) < 4 / 3 * 2 * weights.size + 50
