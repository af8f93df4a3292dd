"""The summary of a sweep: its table, its groups over seeds, its best settings, and what it says of broken runs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from sweeps import final_error, make_run, make_sweep

from letterocr.base.files import read_json, write_json
from letterocr.config.label import list_varying
from letterocr.engine.records import Records
from letterocr.run.curve import Curve
from letterocr.summary.__main__ import main
from letterocr.summary.settings import format_metric
from letterocr.sweep.groups import count_samples_to, find_metric, group_runs, list_axes, read_band
from letterocr.sweep.reader import read_run, read_sweep

GRID = (3, 2, 3)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory) -> Path:
    """Three rates, two temperatures, three seeds; nothing may be written to it."""
    folder = tmp_path_factory.mktemp("sweep")
    make_sweep(folder, *GRID)
    return folder


def summary(folder: Path, *arguments: str) -> int:
    try:
        main([str(folder), *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.yaml", b"a: [1"),
        ("config.yaml", b"\xff\xfe\x00"),
        ("config.yaml", b"3"),
        ("config.yaml", b""),
        ("result.json", b"{"),
        ("result.json", b"[]"),
        ("result.json", b"\xff"),
        ("result.json", b'{"status": "finished"}'),
        ("result.json", b'{"status": 3, "error": 0.1}'),
        ("result.json", b'{"status":"finished","error":"low","best_error":1,"samples":1,"seconds":1}'),
        ("result.json", b'{"status":"finished","error":0.1,"best_error":1,"samples":1,"seconds":1,"reached":3}'),
        ("failure.json", b"{"),
    ],
)
def test_a_damaged_file_is_named_and_skipped(tmp_path, capsys, name, content):
    make_run(tmp_path, 0.1, 1.0, 0)
    folder = make_run(tmp_path, 0.1, 1.0, 1, over=name != "failure.json")
    (folder / name).write_bytes(content)
    run = read_run(folder)
    assert run.state == "damaged"
    assert "\n" not in run.reason
    assert summary(tmp_path) == 0
    out = capsys.readouterr().out
    assert "1 finished, 1 damaged" in out or "1 damaged, 1 finished" in out
    assert f"{folder.name}: damaged" in out


# Groups


def test_the_groups_are_the_settings(sweep):
    groups = group_runs(read_sweep(sweep), find_metric("final_error"))
    assert len(groups) == 6
    for group in groups:
        rate, temperature = group.fields["learning_rate"], group.fields["model.temperature"]
        expected = [final_error(rate, temperature, seed) for seed in range(3)]  # type: ignore[arg-type]
        np.testing.assert_allclose(group.quartiles, np.percentile(expected, [25, 50, 75]))
    assert [g.median for g in groups] == sorted(g.median for g in groups)
    assert groups[0].fields["learning_rate"] == pytest.approx(0.1)


def test_what_varies(sweep, tmp_path):
    runs = read_sweep(sweep)
    assert list_varying([run.fields for run in runs]) == ["learning_rate", "model.temperature", "seed"]
    assert list_axes(group_runs(runs, find_metric("final_error"))) == ["learning_rate", "model.temperature"]


def test_samples_to_an_error_from_the_result_or_else_from_the_curve(tmp_path):
    run = read_run(make_run(tmp_path, 0.1, 1.0, 0, samples=9))  # 1, 0.9, ..., 0.1
    assert count_samples_to(run, 0.2) == [8]
    assert count_samples_to(run, 0.55) == [5]
    assert count_samples_to(run, 0.05) == [math.inf]
    assert find_metric("samples_to_0.5")(run) == [5]
    assert find_metric("best_error")(run) == [0.1]


def test_networks_are_counted_and_not_runs(tmp_path):
    """From `networks` in the result, or from the curve of a folder of an early version."""
    folder = make_run(tmp_path, 0.1, 1.0, 0)
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("replicas: 1", "replicas: 3"))
    curve = Curve(4, 3)
    errors = np.array([[0.9, 0.6, 0.3], [0.5, 0.4, 0.3], [0.4, 0.2, 0.5], [0.1, 0.2, 0.5]])
    curve.test_error[0] = 1.0
    curve.add(Records(np.ones((4, 3)), np.zeros((4, 3), bool), errors))
    curve.save(folder / "curve.parquet")
    result = read_json(folder / "result.json")
    for networks in ({}, {"networks": curve.summarise_networks()}):
        write_json(folder / "result.json", result | networks)
        run = read_run(folder)
        assert find_metric("final_error")(run) == [0.1, 0.2, 0.5]
        assert find_metric("best_error")(run) == [0.1, 0.2, 0.3]
        assert find_metric("samples_to_0.2")(run) == [4, 3, math.inf]
        (group,) = group_runs([run], find_metric("final_error"))
        np.testing.assert_allclose(group.quartiles, np.percentile([0.1, 0.2, 0.5], [25, 50, 75]))
        assert summary(tmp_path) == 0


def test_a_setting_that_diverged_is_marked_and_comes_last(tmp_path, capsys):
    make_run(tmp_path, 0.1, 1.0, 0)
    folder = make_run(tmp_path, 10.0, 1.0, 0)
    write_json(folder / "result.json", read_json(folder / "result.json") | {"status": "diverged", "error": 1.0})
    assert summary(tmp_path) == 0
    settings = [line for line in capsys.readouterr().out.splitlines() if "learning rate" in line]
    assert [line.startswith("diverged") for line in settings] == [False, True]
    assert "1 diverged" in (tmp_path / "summary.html").read_text()


def test_the_best_setting_is_the_best_of_all_and_its_network_does_not_follow_from_another_field(tmp_path, capsys):
    """Two layers are better at their best learning rate, three on average: no median over learning rates may tell."""
    errors = {(2, 0.001): 0.2, (2, 0.01): 0.9, (2, 0.1): 0.95, (3, 0.001): 0.5, (3, 0.01): 0.4, (3, 0.1): 0.3}
    for (layers, rate), error in errors.items():
        name, hidden = {2: ("two_layer", "[]"), 3: ("three_layer", "[1800]")}[layers]
        folder = make_run(tmp_path / name, rate, 1.0, 0)
        text = (folder / "config.yaml").read_text()
        text = text.replace("name: three_layer", f"name: {name}").replace("hidden:\n  - 1800", f"hidden: {hidden}")
        (folder / "config.yaml").write_text(text)
        write_json(folder / "result.json", read_json(folder / "result.json") | {"error": error, "best_error": error})
    assert summary(tmp_path) == 0
    settings = [line for line in capsys.readouterr().out.splitlines() if "learning rate" in line]
    assert "two layers, learning rate 0.001" in settings[0]
    assert "three layers, learning rate 0.1" in settings[1]
    page = (tmp_path / "summary.html").read_text()
    assert "Median final test error for each learning rate and network." in page


def test_80_columns_have_a_line_a_setting_and_the_whole_folder(sweep, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("letterocr.summary.__main__.find_width", lambda: 80)
    assert summary(sweep, f"output={tmp_path}", "--top", "2") == 0
    best = [line for line in capsys.readouterr().out.splitlines() if " %" in line]
    assert len(best) == 2
    names = {run.path.name for run in read_sweep(sweep)}
    assert all(line.split()[-1] in names for line in best)


@pytest.mark.parametrize("name", ["error", "samples_to_", "samples_to_2", "samples_to_nan", "0.2"])
def test_a_metric_that_there_is_not_gets_one_sentence(name, sweep, capsys):
    assert summary(sweep, "--metric", name, "output=/nowhere") == 2
    err = capsys.readouterr().err
    assert err.startswith(f"letterocr: --metric={name}: must be final_error, best_error, or samples_to_")
    assert len(err.splitlines()) == 1


def test_the_band_has_a_column_a_seed_and_error_1_after_divergence(tmp_path):
    for seed, samples in ((0, 8), (1, 4)):
        folder = make_run(tmp_path, 0.1, 1.0, seed, samples=samples)
        text = (folder / "config.yaml").read_text().replace("samples: 4", "samples: 8")
        (folder / "config.yaml").write_text(text)
    (group,) = group_runs(read_sweep(tmp_path), find_metric("final_error"))
    samples, errors = read_band(group)
    columns = {run.fields["seed"]: errors[:, i] for i, run in enumerate(group.runs)}
    assert samples.tolist() == list(range(9))
    np.testing.assert_allclose(columns[0], np.linspace(1, 0.1, 9))
    np.testing.assert_allclose(columns[1], [*np.linspace(1, 0.11, 5), 1, 1, 1, 1])


# The command


def test_it_writes_the_table_twice_and_the_pictures(sweep, tmp_path, capsys):
    broken = make_run(tmp_path / "more", 0.1, 1.0, 9, over=False)
    (tmp_path / "more" / "sweep").symlink_to(sweep)  # links are not followed: nothing is counted twice
    assert summary(sweep, f"output={tmp_path / 'out'}", "--top", "2") == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "summary.parquet",
        "summary.csv",
        "summary.html",
        "bands.png",
        "parallel.png",
        "heat_map.png",
    }
    table, csv = pq.read_table(tmp_path / "out" / "summary.parquet"), pyarrow.csv.read_csv(tmp_path / "out/summary.csv")
    assert table.num_rows == csv.num_rows == 18
    assert table.column_names == csv.column_names
    for row in table.to_pylist():
        expected = final_error(row["learning_rate"], row["model.temperature"], row["seed"])
        assert row["final_error"] == expected
        assert row["state"] == "finished"
        assert (row["samples_to_0.5"] is None) == (expected > 0.5)
    out = capsys.readouterr().out
    assert "18 runs: 18 finished" in out
    assert out.count("three_layer-") == 2
    assert summary(tmp_path / "more", f"output={tmp_path / 'out2'}") == 0
    assert f"{broken.name}: unfinished" in capsys.readouterr().out
    assert {p.name for p in (tmp_path / "out2").iterdir()} == {"summary.parquet", "summary.csv", "summary.html"}


def test_the_best_setting_comes_first(sweep, tmp_path, capsys):
    assert summary(sweep, f"output={tmp_path}", "--top", "1", "--metric", "samples_to_0.5") == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "three_layer-" in line)
    # From 1 to 0.1 (and 0.11, 0.12) in 8 samples in a straight line: 0.5 is passed at 4.4 (4.5, 4.5), so at 5.
    assert row.split()[:5] == ["5", "5", "to", "5", "3"]
    assert "learning rate 0.1, T = 1" in row


def test_a_sweep_of_one_setting_has_no_heat_map(tmp_path, capsys):
    make_run(tmp_path, 0.1, 1.0, 0)
    assert summary(tmp_path) == 0
    assert "No heat map: fewer than two fields vary." in capsys.readouterr().out


def test_curves_that_are_missing_are_told(tmp_path, capsys):
    folder = make_run(tmp_path, 0.1, 1.0, 0)
    (folder / "curve.parquet").unlink()
    assert summary(tmp_path) == 0
    assert "has no error curve yet" in capsys.readouterr().out
    assert summary(tmp_path, "--metric", "samples_to_0.3") == 2
    assert "needs every curve, but" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--x", "learning"], "--x=learning: no run has that field"),
        (["--y", "model"], "--y=model: no run has that field"),
        (["--top", "0"], "--top=0: must be at least 1"),
        (["output=/dev/null/x"], "can't be written"),
    ],
)
def test_a_mistake_gets_one_sentence_and_status_2(sweep, capsys, arguments, part):
    assert summary(sweep, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert part in line


def test_a_folder_without_runs_gets_one_sentence(tmp_path, capsys):
    assert summary(tmp_path / "nowhere") == 2
    assert "can't be read (No such file or directory)" in capsys.readouterr().err
    assert summary(tmp_path) == 2
    assert "holds no run folder" in capsys.readouterr().err


def test_a_field_of_numbers_and_words_is_a_column_of_texts(tmp_path):
    make_run(tmp_path, 0.1, 1.0, 0)
    folder = make_run(tmp_path, 0.1, 1.0, 1)
    path = folder / "config.yaml"
    path.write_text(path.read_text().replace("learning_rate: 0.1", "learning_rate: auto"))
    assert summary(tmp_path) == 0
    rates = pq.read_table(tmp_path / "summary.parquet")["learning_rate"].to_pylist()
    assert sorted(rates) == ["0.1", "auto"]


def test_how_figures_are_shown():
    assert [format_metric(v, True) for v in (0.1234, 1.0, math.inf)] == ["12.3 %", "100.0 %", "not reached"]
    assert [format_metric(v, False) for v in (1.0, 1500.0, math.inf)] == ["1", "1,500", "not reached"]
