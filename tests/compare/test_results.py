"""The tables: medians, quartiles and costs against figures worked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from letterocr.compare.problems import Problem, Source
from letterocr.compare.protocol import Final, Standing
from letterocr.compare.results import format_profile_table, format_table, summarise, write_results
from letterocr.compare.trial import TrialOutcome

INF = float("inf")
PROBLEM = Problem("two_layer", 8, Source("synthetic"), 200)


def outcome(validation: float, test: float, diverged: int | None = None) -> TrialOutcome:
    return TrialOutcome([0, 100, 200], [0.0, 0.5, 2.0], [1.0, 0.5, validation], [1.0, 0.6, test], diverged)


@pytest.fixture
def standing() -> Standing:
    made = Standing(diverged_trials={"vanilla": 1, "adam": 0})
    vanilla = [outcome(0.3, 0.30), outcome(0.2, 0.20), outcome(0.4, 0.10)]
    adam = [outcome(0.1, 0.15), outcome(0.1, 0.25, diverged=200), outcome(0.1, 0.25)]
    for kind in ("default", "tuned"):
        made.finals[kind]["vanilla"] = Final({"learning_rate": 0.001}, 1e4, vanilla)
        made.finals[kind]["adam"] = Final({"learning_rate": 0.1, "optimizer.options.betas.0": 0.9}, 5e4, adam)
    return made


def test_figures_of_a_contender(standing: Standing) -> None:
    assert standing.target == 0.3
    figures = summarise(standing.finals["tuned"]["vanilla"], standing.target)
    assert figures["final_error"] == pytest.approx((0.15, 0.2, 0.25))
    # (1 + 0.6)/2 over the first half, (0.6 + e)/2 over the second
    assert figures["mean_error"] == pytest.approx(tuple(0.4 + 0.15 + e / 4 for e in (0.15, 0.2, 0.25)))
    assert figures["to_target"]["samples"] == (200, 200, INF)
    assert figures["to_target"]["multiply-adds"] == (200e4, 200e4, INF)
    assert figures["to_target"]["seconds"] == (2.0, 2.0, INF)
    assert (figures["reached"], figures["diverged"], figures["microseconds"]) == (2, 0, 1e4)


def test_a_table_says_what_diverged(standing: Standing) -> None:
    row = format_table(standing, "tuned").splitlines()[-1]
    assert row.startswith("| adam | 25.0 (20.0 to diverged) |")
    assert "| 2/3 | 1/3 | 10,000 | 50 | learning_rate 0.1, options.betas.0 0.9; 0 |" in row


def test_profile_of_three_seeds(standing: Standing) -> None:
    rows = format_profile_table({PROBLEM: standing}, "tuned", ["vanilla", "adam"]).splitlines()[2:]
    # samples: the first seed is a draw, the second vanilla's, the third Adam's; multiply-adds: five times as many
    assert rows[0].startswith("| vanilla | 67% | 67% | 67% | 67% | 67% | 67% | 67% | 67% |")
    assert rows[1].startswith("| adam | 67% | 67% | 67% | 67% | 33% | 33% | 67% | 67% |")


def test_what_is_written(standing: Standing, tmp_path: Path) -> None:
    facts = {"command": "the command", "trials": 3, "seeds": 3, "samples": 200, "workers": 1, "machine": "a machine"}
    meta = {"learned": {"meta_steps": 1500.0, "seconds": 600.0}}
    write_results({PROBLEM: standing}, ["vanilla", "adam"], facts | {"meta_training": meta}, tmp_path)
    written = json.loads((tmp_path / "results.json").read_text())
    assert written["problems"]["two_layer/synthetic"]["tuned"]["adam"]["final_error"][2] is None  # infinite
    assert written["profile"]["ratios"]["tuned"]["samples"] == [[1, 1, None], [1, None, 1]]
    page = (tmp_path / "results.html").read_text()
    assert "vanilla ends with the lowest test error, 20.0 % (two layers, synthetic letters)." in page
    assert "∞" not in page
    text = (tmp_path / "results.md").read_text()
    assert "∞" not in text
    assert "| learned | 1,500 | 600 |" in text
    assert "learning_rate 1e-05 to 0.1; options.betas.0 0 to 0.99" in text
