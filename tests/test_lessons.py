"""The lessons of examples/: they run, draw, print what their text says, and agree with their notebooks."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
import torch
from scripts_of import REPOSITORY, load_script

import letterocr

LESSONS = sorted((REPOSITORY / "examples").glob("[0-9]*.py"))
FACE = {"fit", "iterate", "load", "letters", "matrix"}
Check = Callable[[dict[str, Any]], bool]


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    return load_script("lessons")


def entropy_rank(values: torch.Tensor) -> float:
    p = values / values.sum()
    return math.exp(-float((p * p.log()).nansum()))


# What each lesson says, and whether it holds for the variables at its end.
CLAIMS: dict[str, list[tuple[str, Check]]] = {
    "1_first_network": [
        ("At the start 96 % are misread", lambda v: abs(v["run"].curve.test_error[0, 0] - 25 / 26) < 0.02),
        ("about half are misread", lambda v: abs(v["run"].curve.test_error[500, 0] - 0.5) < 0.08),
        ("after 2,000 about 30 %", lambda v: abs(v["run"].test_error - 0.3) < 0.05),
        ("520 test letters", lambda v: len(v["letters"].test) == 520),
        ("red at the bottom", lambda v: _row_of_f(v)[23:27].sum() < -0.1 < 0.1 < _row_of_f(v)[3:7].sum()),
    ],
    "2_alphabet_matrix": [
        ("The rank is 26", lambda v: torch.linalg.matrix_rank(v["A"]) == 26),
        ("$W A = I$ holds to 14 digits", lambda v: (v["W"] @ v["A"] - torch.eye(26)).abs().max() < 1e-14),
        ("**59 % are misread**", lambda v: round(100 * _share_misread(v["W"], v["letters"].test)) == 59),
        ("The first value is 75 times the last", lambda v: round(float(torch.linalg.cond(v["A"]))) == 75),
        ("90 % of the sum of squares is in 5 directions", lambda v: _directions(v["values"], 0.9) == 5),
        ("the one in the middle needs 4, the last one 9", lambda v: _median_and_last(v["A"]) == (4, 9)),
        ("Take an F, add an I and remove the T: something like an E", lambda v: _residual(v["A"]) < 0.33),
    ],
    "3_outer_product": [
        ("**Both changes have rank one.**", lambda v: [*map(_rank, _changes(v))] == [1, 1]),
        ("36,000 weights", lambda v: v["before"].weights[0].numel() == 36_000),
        ("about 600 times as long", lambda v: abs(_stretch(v, "step_q", 1) / 600 - 1) < 0.01),
        ("$600^2 = 360,000$", lambda v: abs(_stretch(v, "step_h", 0) / 600**2 - 1) < 0.01),
        ("**Same direction, other length.**", lambda v: _cosine(v["step_h"], v["gradients"][0]) > 0.999),
        ("The printed rule learns.", lambda v: v["printed"].test_error < 0.5),
        ("The gradient does not move", lambda v: v["exact"].test_error > 0.9),
    ],
    "4_layers": [
        ("Three layers overtake them", lambda v: _error(v, "three layers") < _error(v, "two layers") - 0.02),
        ("Two layers learn fast at first", lambda v: _first(v, "two layers") < _first(v, "three layers") - 0.1),
        ("begin more slowly", lambda v: _first(v, "four layers") > _first(v, "three layers")),
        ("The difference is rounding", lambda v: (v["outputs"] - v["one_matrix"]).abs().max() < 1e-5),
        ("the rank is that of the pixels", lambda v: abs(_hidden_rank(v, 150) - _pixel_rank(v)) < 0.3),
        ("temperature it rises", lambda v: _hidden_rank(v, 0.5) > _pixel_rank(v) + 3),
    ],
    "5_learning_rates": [
        ("$\\alpha < 2 / \\lambda_{\\max}$", lambda v: math.isclose(v["limit"], 2 / _lambda_max(v), rel_tol=1e-9)),
        ("cover many powers of ten", lambda v: v["eigenvalues"][0] > 1e4 * v["eigenvalues"][-1]),
        ("Ten per cent below the limit the loss falls", lambda v: v["steps"][-1, 0] < v["steps"][0, 0]),
        ("above it the loss explodes", lambda v: v["steps"][-1, 1] > 100 * v["steps"][0, 1]),
        ("much less than the limit for all letters", lambda v: v["safe"] < v["limit"] / 5),
        ("about ten times", lambda v: 5 < v["safe"] / v["rates"][v["best"]] < 20),
        ("A valley.", lambda v: min(v["errors"][-1, 0], v["errors"][-1, -1]) > v["errors"][-1].min() + 0.3),
    ],
}


def _row_of_f(v: dict[str, Any]) -> torch.Tensor:
    return (v["W"] - v["W_0"])[5].reshape(30, 30)


def _share_misread(W: torch.Tensor, letters: letterocr.Letters) -> float:
    return float(((letters.images.double() @ W.T).argmax(1) != letters.labels).double().mean())


def _directions(values: torch.Tensor, share: float) -> int:
    energy = values.square().cumsum(0) / values.square().sum()
    return int((energy < share).sum()) + 1


def _median_and_last(A: torch.Tensor) -> tuple[int, int]:
    ranks = letterocr.matrix.readable_ranks(A).sort().values
    return int(ranks[12]), int(ranks[-1])


def _residual(A: torch.Tensor) -> float:
    f, i, t, e = (A[:, ord(letter) - ord("A")] for letter in "FITE")
    return float((f + i - t - e).norm() / e.norm())


def _changes(v: dict[str, Any]) -> list[torch.Tensor]:
    return [new - old for old, new in zip(v["before"].weights, v["after"].weights, strict=True)]


def _rank(change: torch.Tensor) -> int:
    return int(torch.linalg.matrix_rank(change))


def _stretch(v: dict[str, Any], step: str, place: int) -> float:
    return float(v[step].norm() / v["gradients"][place].norm())


def _cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one * other).sum() / one.norm() / other.norm())


def _error(v: dict[str, Any], name: str) -> float:
    """The mean error of the last thousand letters, which varies less than the last one."""
    samples, errors = v["runs"][name].curve.measured()
    return float(errors[samples > 2000].mean())


def _first(v: dict[str, Any], name: str) -> float:
    """The mean error over the first thousand letters."""
    samples, errors = v["runs"][name].curve.measured()
    return float(errors[samples <= 1000].mean())


def _hidden_rank(v: dict[str, Any], temperature: float) -> float:
    H = torch.sigmoid(v["W_h"] @ v["A"] / temperature)
    return entropy_rank(torch.linalg.svdvals(H - H.mean(1, keepdim=True)))


def _pixel_rank(v: dict[str, Any]) -> float:
    return entropy_rank(torch.linalg.svdvals(v["A"] - v["A"].mean(1, keepdim=True)))


def _lambda_max(v: dict[str, Any]) -> float:
    return float(torch.linalg.svdvals(v["images"])[0] ** 2 / len(v["images"]))


@pytest.mark.filterwarnings("ignore:__array_*:DeprecationWarning")  # Matplotlib draws PyTorch tensors
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_does_what_it_says(path: Path, runner: ModuleType, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    notebook, variables = runner.run_lesson(path)
    text = " ".join(c.source.replace("\n", " ") for c in notebook.cells if c.cell_type == "markdown")
    for words, holds in CLAIMS[path.stem]:
        assert words in text, words
        assert holds(variables), words
    stored = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    drawn = [[output.output_type for output in cell.get("outputs", [])] for cell in notebook.cells]
    assert drawn == [[output.output_type for output in cell.get("outputs", [])] for cell in stored.cells]
    assert any("display_data" in outputs for outputs in drawn)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_notebook_agrees_with_its_script(path: Path, runner: ModuleType) -> None:
    stored, made = nbformat.read(path.with_suffix(".ipynb"), as_version=4), runner.read_lesson(path)
    cells = [[(cell.id, cell.cell_type, cell.source) for cell in notebook.cells] for notebook in (stored, made)]
    assert cells[0] == cells[1], f"run `make lessons`: {path.stem}.ipynb is older than its script"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_uses_the_public_face_and_ends_with_three_questions(path: Path) -> None:
    source = path.read_text()
    tree = ast.parse(source)
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_letterocr(node.value)}
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names <= FACE
    assert imported <= {"letterocr", "matplotlib.pyplot", "tempfile", "torch"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    questions = source.split("# ## Three questions\n")[1]
    assert [line[2:4] for line in questions.splitlines() if line[2:3].isdigit()] == ["1.", "2.", "3."]


def _is_letterocr(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "letterocr"
