"""A run as an object: what it holds, draws, reads and shows in a notebook."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from tiny import GLYPHS, letters

import letterocr
from letterocr.api import progress_bar


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> letterocr.Run:
    """A run of three networks that reads the tiny alphabet."""
    return letterocr.fit(
        model="two_layer", data="images", data__path=letters(), data__test_per_letter=1, samples=600, replicas=3,
        learning_rate=0.003, threads=1, output=tmp_path_factory.mktemp("run"),
    )  # fmt: skip


def picture(letter: str) -> np.ndarray:
    bits = np.array([[int(bit) for bit in row] for row in GLYPHS[ord(letter) - 65].split()])
    return np.pad(255 - 255 * bits.repeat(8, 0).repeat(8, 1), ((20, 10), (30, 10)), constant_values=255)


def test_the_curve_has_a_row_for_each_sample(run: letterocr.Run) -> None:
    curve = run.curve
    assert len(curve) == 601
    assert curve.samples.tolist() == list(range(601))
    assert curve.loss.shape == curve.train_error.shape == curve.test_error.shape == (601, 3)
    assert np.isnan(curve.loss[0]).all()
    assert np.isnan(curve.train_error[0]).all()
    samples, errors = curve.measured()
    assert (len(samples), errors.shape) == (601, (601, 3))
    assert run.test_error == np.median(curve.test_error[-1])
    assert run.summary.best_error == np.median(curve.test_error, 1).min()


def test_pandas_gets_a_row_for_each_sample_and_network(run: letterocr.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in that keeps the columns: pandas itself is not needed for anything else here."""
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=dict))
    table = run.curve.to_pandas()
    assert list(table) == ["replica", "sample", "loss", "train_error", "test_error"]
    assert {len(column) for column in table.values()} == {3 * 601}
    (place,) = np.flatnonzero((table["replica"] == 1) & (table["sample"] == 300))
    assert table["test_error"][place] == run.curve.test_error[300, 1]
    assert table["loss"][place] == run.curve.loss[300, 1]


def test_without_pandas_a_sentence_names_it(run: letterocr.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(letterocr.UserError, match="pip install pandas"):
        run.curve.to_pandas()


def test_it_reads_a_letter_and_says_where_it_is(run: letterocr.Run) -> None:
    for letter in "AKZ":
        reading = run.read(picture(letter))
        (part,) = reading.letters
        assert reading.text == part.letter == letter
        assert part.runner_up != letter
        assert sum(part.outputs.values()) == pytest.approx(1)
        assert part.box == (30, 20, 70, 60)  # 5 x 5 dots of 8 pixels, below a margin of 20 and right of one of 30
        assert part.image.shape == (30, 30)
        assert part.image.max() == 1


def test_a_letter_of_900_pixels_is_read_as_it_is(run: letterocr.Run) -> None:
    split = letterocr.letters("images", path=letters(), test_per_letter=1)
    outputs = run.network.replica(0).forward(split.test.images[:5])[-1]
    read = [run.read(image).text for image in split.test.images[:5]]
    assert read == [run.alphabet[k] for k in outputs.argmax(1)]
    assert run.read(split.test.images[0].numpy()).letters[0].box == (0, 0, 30, 30)


def test_what_holds_arrays_is_shown_in_one_line(run: letterocr.Run) -> None:
    split = letterocr.letters("images", path=letters(), test_per_letter=1)
    assert repr(split.train) == "<Letters: 104 of ABCDEFGHIJKLMNOPQRSTUVWXYZ>"
    assert repr(split).startswith("<Split: 104 letters to train, 26 to test")
    assert repr(run.curve) == "<LearningCurve: samples 0 to 600, 3 networks>"
    assert repr(run.network) == "<Network: weights [3, 26, 900]>"


def test_the_alphabet_of_a_split_is_refused_with_its_mend() -> None:
    split = letterocr.letters("images", path=letters(), test_per_letter=1)
    with pytest.raises(letterocr.UserError, match="give one, such as split"):
        letterocr.matrix.alphabet(split)  # type: ignore[arg-type]


def test_it_draws_the_median_and_its_quartiles(run: letterocr.Run) -> None:
    axes = Figure().subplots()
    assert run.plot(axes) is axes
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_ydata(), 100 * np.median(run.curve.test_error, 1))
    assert len(axes.collections) == 1
    label = axes.get_legend().get_texts()[0].get_text().replace("\n", " ")
    assert label.startswith("two layers, gradient rule")
    assert "learning rate 0.003" in label


def test_without_axes_it_draws_on_those_of_pyplot(run: letterocr.Run) -> None:
    from matplotlib import pyplot

    backend = matplotlib.get_backend()
    pyplot.switch_backend("agg")
    try:
        assert run.plot(label="mine") is pyplot.gca()
    finally:
        pyplot.close("all")
        pyplot.switch_backend(backend)


def test_a_notebook_shows_a_table_and_a_picture(run: letterocr.Run) -> None:
    html = run._repr_html_()
    for part in ("two_layer 900-26", "600 of 600 (finished)", "data:image/png;base64,", "alt=", "samples"):
        assert part in html
    assert "finished after 600 samples" in repr(run)
    assert str(run.folder) in repr(run)


def test_load_takes_a_text_or_a_path_and_finds_the_same(run: letterocr.Run) -> None:
    assert run.folder is not None
    for folder in (run.folder, str(run.folder)):
        again = letterocr.load(folder)
        assert (again.status, again.alphabet, again.box) == (run.status, run.alphabet, run.box)
        np.testing.assert_array_equal(again.curve.train_error, run.curve.train_error)
        assert again.seconds == pytest.approx(run.seconds)


def test_what_is_no_run_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(letterocr.UserError, match="is not a run folder"):
        letterocr.load(str(tmp_path))


def test_a_bar_is_shown_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    fields = {"data": "images", "data__path": letters(), "data__test_per_letter": 1, "threads": 1}
    letterocr.fit(model="two_layer", samples=50, progress=True, **fields)
    out, err = capsys.readouterr()
    assert out == ""
    assert "50/50" in err
    assert "test error" in err


def test_a_person_looks_in_a_terminal_or_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not progress_bar.is_watched()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert progress_bar.is_watched()
