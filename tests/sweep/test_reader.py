"""Run folders of every state and age are read as what they are."""

from __future__ import annotations

import yaml
from helpers import small_config
from sweeps import final_error, make_run

from letterocr.base.files import write_json
from letterocr.compose.defaults import list_fields
from letterocr.config.label import flatten, list_varying
from letterocr.run.folder import write_config
from letterocr.sweep.reader import parse_config, read_run, read_sweep


def test_a_run_has_the_hyperparameters_that_tensorboard_has(tmp_path):
    run = read_run(make_run(tmp_path, 0.3, 2.0, 4))
    expected = list_fields(small_config(learning_rate=0.3, seed=4, samples=8))
    assert run.fields == expected | {"model.temperature": 2.0}
    assert (run.state, run.reason, run.result["error"]) == ("finished", "", final_error(0.3, 2.0, 4))


def test_a_run_from_before_networks_had_kinds_is_of_the_same_setting(tmp_path):
    new, old = (make_run(tmp_path, 0.1, 1.0, seed) for seed in range(2))
    text = (old / "config.yaml").read_text()
    assert "  kind: chain\n" in text
    (old / "config.yaml").write_text(text.replace("  kind: chain\n", ""))
    runs = [read_run(new), read_run(old)]
    assert runs[0].setting == runs[1].setting
    assert list_varying([run.fields for run in runs]) == ["seed"]


def test_a_kind_that_the_name_does_not_imply_is_a_field(tmp_path):
    folder = make_run(tmp_path, 0.1, 1.0, 0)
    text = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(text.replace("  kind: chain\n", "  kind: spectral\n"))
    assert read_run(folder).fields["model.kind"] == "spectral"


def test_a_run_of_a_network_that_is_no_longer_there_is_read(tmp_path):
    folder = make_run(tmp_path, 0.1, 1.0, 0)
    text = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(text.replace("  kind: chain\n", "  kind: gone\n"))
    assert (read_run(folder).state, read_run(folder).fields["model.kind"]) == ("finished", "gone")


def test_lists_and_null_are_texts():
    assert flatten({"a": {"b": [1, 2], "c": None}, "d": True}) == {"a.b": "[1, 2]", "a.c": "null", "d": True}


def test_runs_are_found_at_any_depth_and_nothing_in_them(tmp_path):
    one = make_run(tmp_path / "a" / "b", 0.1, 1.0, 0)
    two = make_run(tmp_path, 0.1, 1.0, 1)
    make_run(one / "inside", 0.1, 1.0, 2)
    make_run(tmp_path / ".hidden", 0.1, 1.0, 3)
    assert [run.path for run in read_sweep(tmp_path)] == sorted([one, two])


def test_a_run_that_is_not_over_says_why(tmp_path):
    young, old, failed, early = (make_run(tmp_path, 0.1, 1.0, seed, over=False) for seed in range(4))
    (old / "checkpoints").mkdir()
    (old / "checkpoints" / "000000001234.json").write_text("{}")
    write_json(failed / "failure.json", {"name": "x", "reason": "Out of\nmemory"})
    (early / "config.yaml").unlink()
    write_json(early / "failure.json", {})
    states = {run.path: (run.state, run.reason) for run in read_sweep(tmp_path)}
    assert states[young] == ("unfinished", "no checkpoint yet")
    assert states[old] == ("unfinished", "checkpoint at sample 1,234")
    assert states[failed] == ("failed", "Out of memory")
    assert states[early] == ("failed", "unknown")


def test_a_result_counts_whatever_failed_before_it(tmp_path):
    folder = make_run(tmp_path, 0.1, 1.0, 0)
    write_json(folder / "failure.json", {"name": "x", "reason": "y"})
    assert read_run(folder).state == "finished"


def test_a_config_is_parsed_field_by_field_to_the_same_values(tmp_path):
    for fields in ({}, {"learning_rate": [0.1, 0.2], "replicas": 2}, {"learning_rate": "auto", "batch": "all"}):
        write_config(tmp_path, small_config(**fields))
        text = (tmp_path / "config.yaml").read_bytes()
        assert parse_config(text) == yaml.safe_load(text)
    for text in (b"# by hand\n{rule: printed, seed: 3}\n", b"rule: 'a\n\n  b: c'\nseed: 3\n"):
        assert parse_config(text) == yaml.safe_load(text)
