"""A run that is looked at has the bits of one that is not; what was seen is kept, and taken up."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import assert_same_bits, at_checkpoint, command, run_folder, tiny

from letterocr.run.shown_samples import list_due_samples


def rows_of(folder) -> list[dict]:
    return pq.read_table(folder / "diagnostics.parquet").to_pylist()


def test_when_it_looks():
    assert list_due_samples(0, 1, 4).tolist() == [0]
    assert list_due_samples(100, 1, 4).tolist() == [0, 1, 2, 4, 6, 10, 18, 32, 57, 100]
    assert list_due_samples(100, 16, 4).tolist() == [0, 16, 32, 64, 100]
    assert list_due_samples(5, 1, 4).tolist() == [0, 1, 2, 4, 5]


@pytest.mark.parametrize("engine", ["reference", "blocked"])
@pytest.mark.parametrize("rule", ["printed", "gradient"])
def test_looking_changes_no_bit(tmp_path, engine, rule):
    overrides = tiny(f"engine={engine}", "replicas=2", f"rule={rule}", "samples=200")
    for name in ("none", "rank"):
        answer = command(*overrides, f"diagnostics={name}", f"output={tmp_path / name}")
        assert answer.status == 0, answer.err
    plain, seen = run_folder(tmp_path / "none"), run_folder(tmp_path / "rank")
    assert plain.name == seen.name  # the same run
    assert_same_bits(plain, seen)
    assert not (plain / "diagnostics.parquet").exists()
    rows = rows_of(seen)
    assert [row["sample"] for row in rows[-2:]] == [200, 200]
    assert [row["replica"] for row in rows[:2]] == [0, 1]
    assert rows[0]["update_1/stable_rank"] == 0
    assert all(0.999 < row["update_1/stable_rank"] < row["sample"] + 0.001 for row in rows if row["sample"])
    assert all(row["learning_rate/limit"] > 0 for row in rows)


def test_a_cut_run_has_the_rows_of_a_whole_one_and_shows_them(tmp_path):
    overrides = tiny("diagnostics=rank", "checkpoint_seconds=0", "samples=100")
    command(*overrides, f"output={tmp_path / 'whole'}")
    with at_checkpoint(4):
        command(*overrides, f"output={tmp_path / 'cut'}")
    assert command(*overrides, f"output={tmp_path / 'cut'}", "resume=true").status == 0
    whole, cut = run_folder(tmp_path / "whole"), run_folder(tmp_path / "cut")
    rows = rows_of(whole)
    assert [row["sample"] for row in rows] == [0, 1, 2, 4, 6, 10, 18, 32, 57, 100]
    for row, other in zip(rows, rows_of(cut), strict=True):
        np.testing.assert_array_equal(list(row.values()), list(other.values()))
    assert rows[1]["update_2/effective_rank"] == pytest.approx(1, abs=1e-3)  # float32: W - W_initial is rounded
    events = EventAccumulator(str(whole)).Reload()
    shown = events.Scalars("hessian/largest_eigenvalue")
    assert [event.step for event in shown] == [row["sample"] for row in rows]
    np.testing.assert_allclose(
        [event.value for event in shown], [row["hessian/largest_eigenvalue"] for row in rows], rtol=1e-6
    )


def test_force_begins_anew_and_a_run_that_diverges_is_looked_at_until_then(tmp_path):
    answer = command(*tiny("diagnostics=rank", "learning_rate=1e30", f"output={tmp_path}", model="two_layer"))
    assert answer.status == 1
    assert rows_of(run_folder(tmp_path))[0]["sample"] == 0
    command(*tiny("learning_rate=1e30", "force=true", f"output={tmp_path}", model="two_layer"))
    assert not (run_folder(tmp_path) / "diagnostics.parquet").exists()
