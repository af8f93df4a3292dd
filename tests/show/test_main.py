"""The command `letterocr show`: pages of one run and of several, whole or not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from sweeps import make_run
from tiny import command, folders, run_folder, tiny

from letterocr.show.__main__ import main


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Two runs that differ in the seed, the first with diagnoses and snapshots; nothing may be written to them."""
    output = tmp_path_factory.mktemp("runs")
    for seed, more in ((1, ["diagnostics=rank", "snapshots=log", "page=true"]), (2, [])):
        answer = command(*tiny(f"seed={seed}", "tensorboard=false", f"output={output}", *more))
        assert answer.status == 0, answer.err
    return folders(output)


def show(*arguments: str | Path) -> int:
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def text_of(page: Path) -> str:
    return re.sub(r"<script.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_a_run_leaves_its_page_if_it_is_asked_to(trained):
    page = text_of(trained[1] / "page.html")
    for part in (
        "Three layers, gradient rule",
        "of the test letters are misread after 300 samples",
        "Read wrongly most often",
        "Worst letters",
        "What the first layer learned",
        "The training, played back",
        "Learning rate and its limit",
        "letterocr train model=three_layer",
        "seed=1",
        "hidden units",
    ):
        assert part in page
    assert not (trained[2] / "page.html").exists()
    frames = re.findall(r'<div class="frame" data-name="sample ([\d,]+)"( hidden="hidden")?>', page)
    assert [name for name, hidden in frames if not hidden] == ["300"]  # without a script the last one is seen
    assert [name for name, _ in frames][:4] == ["0", "1", "2", "3"]
    ends = re.findall(r"After 300 samples ([\d.]+ %) of the test letters are misread", page)
    assert f"{ends[0]} of the test letters are misread after 300 samples" in page


def test_the_page_is_written_where_it_is_asked_for_and_the_command_says_so(trained, tmp_path, capsys):
    page = tmp_path / "new" / "own.html"
    assert show(trained[2], f"output={page}") == 0
    assert capsys.readouterr().out == f"Page: {page}\n"
    assert "Ranks and rates" not in text_of(page)


def test_runs_side_by_side(trained, tmp_path):
    page = tmp_path / "both.html"
    assert show(*trained.values(), f"output={page}") == 0
    text = text_of(page)
    for part in ("seed 1", "seed 2", "How their settings differ", "Letters that only one of them reads", "Spectra"):
        assert part in text
    counts = [int(n) for n in re.findall(r"<p>(\d+) of 26 test letters", text)]
    everybody, nobody = map(int, re.search(r"read (\d+) letters right, none of them (\d+)", text).groups())  # type: ignore[union-attr]
    assert sum(counts) + everybody + nobody == 26  # with two runs a letter is read by both, by one or by none


def test_runs_of_other_letters_and_kinds_are_shown_with_what_they_share(trained, tmp_path):
    output, page = tmp_path / "out", tmp_path / "both.html"
    other = tiny("data.seed=5", "data.test_per_letter=2", "samples=40", f"output={output}", model="two_layer")
    assert command(*other, "tensorboard=false").status == 0
    half = make_run(tmp_path / "half", 0.1, 1.0, 0, over=False)
    assert show(trained[1], run_folder(output), half, tmp_path / "nowhere", f"output={page}") == 0
    text = text_of(page)
    assert "The runs have different test letters" in text
    assert "nowhere is not a run folder" in text
    assert "has no whole checkpoint" in text
    assert "The run is not over: it has no checkpoint yet." in text


def test_a_run_without_curve_or_letters_has_a_page_with_the_reasons(trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained[2], folder)
    (folder / "curve.parquet").unlink()
    config = folder / "config.yaml"
    config.write_text(re.sub(r"path: .*", "path: /nowhere/at/all.npz", config.read_text()))
    assert show(folder) == 0
    text = text_of(folder / "page.html")
    assert "has no error curve yet" in text
    assert "/nowhere/at/all.npz" in text
    assert "What the first layer learned" in text


@pytest.mark.parametrize(
    ("count", "sentence"), [(0, "required"), (1, "is not a run folder"), (2, "is not a run folder"), (13, "too many")]
)
def test_a_mistake_gets_one_sentence(count, sentence, tmp_path, capsys):
    assert show(*[tmp_path / f"none{i}" for i in range(count)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line


def test_the_same_run_twice_is_one_run(trained, capsys):
    assert show(trained[1], trained[1]) == 2
    assert "is given twice" in capsys.readouterr().err
