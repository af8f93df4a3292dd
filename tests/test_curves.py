"""The command `letterocr.curves`: curves of run folders in one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from letterocr.curves import main
from letterocr.engine.records import Records
from letterocr.run.curve import Curve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    curve = Curve(4, 3)
    curve.test_error[0] = 1.0
    curve.add(Records(np.ones((4, 3)), np.zeros((4, 3), bool), np.full((4, 3), 0.5)))
    curve.save(tmp_path / "run" / "curve.parquet")
    return tmp_path / "run"


def test_runs_are_drawn_into_one_picture(folder: Path, tmp_path: Path) -> None:
    main([str(folder), str(folder), "--labels", "mine", f"output={tmp_path / 'both.png'}"])
    with Image.open(tmp_path / "both.png") as picture:
        assert picture.size == (770, 440)
    main([str(folder), f"output={tmp_path / 'one.svg'}"])
    assert "<svg" in (tmp_path / "one.svg").read_text()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["nowhere"], "nowhere) is not a run folder: it does not exist."),
        (["--labels", "a", "b"], "--labels a b: there are only 1 run folders"),
        (["output=curves.docx"], "output=curves.docx"),
        (["output=run/curve.parquet/curves.png"], "take another output="),
    ],
)
def test_a_mistake_gets_one_sentence_and_status_2(folder, tmp_path, monkeypatch, capsys, more, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main([str(folder), *more])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert sentence in said
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
