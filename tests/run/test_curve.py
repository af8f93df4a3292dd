"""The curve of a run: its averages against plain loops, and its file."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from letterocr.base.errors import UserError
from letterocr.engine.records import Records
from letterocr.run.curve import Curve, read_curve


def random_records(samples: int, replicas: int, every: int = 1) -> Records:
    random = np.random.default_rng(3)
    errors = random.integers(0, 521, (samples, replicas)) / 520
    errors[(np.arange(1, samples + 1) % every) != 0] = np.nan
    return Records(random.random((samples, replicas)), random.random((samples, replicas)) < 0.4, errors)


def cut(records: Records, first: int, last: int) -> Records:
    return Records(*(x[first:last] for x in vars(records).values()))


def filled(records: Records, samples: int | None = None) -> Curve:
    count, replicas = records.loss.shape
    curve = Curve(samples or count, replicas)
    curve.test_error[0] = 0.96
    curve.add(records)
    return curve


def with_errors(*errors: float) -> Curve:
    """One replica: the first error is the one before the first update."""
    curve = Curve(len(errors) - 1, 1)
    curve.test_error[0] = errors[0]
    later = np.array(errors[1:])[:, None]
    curve.add(Records(np.ones_like(later), np.zeros(later.shape, bool), later))
    return curve


def test_pieces_make_the_same_curve_as_the_whole():
    records = random_records(30, 2)
    pieces = Curve(30, 2)
    pieces.test_error[0] = 0.96
    for first, last in [(0, 1), (1, 12), (12, 30)]:
        pieces.add(cut(records, first, last))
    whole = filled(records)
    assert pieces.sample == whole.sample == 30
    for name in ("loss", "wrong", "test_error"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))


def test_row_i_is_the_state_after_i_samples():
    records = random_records(4, 2)
    curve = filled(records)
    assert np.isnan(curve.loss[0]).all()
    assert curve.test_error[0].tolist() == [0.96, 0.96]
    np.testing.assert_array_equal(curve.test_error[3], records.test_error[2])
    np.testing.assert_array_equal(curve.loss[3], records.loss[2])


def test_training_error_is_the_share_of_the_last_500_samples():
    records = random_records(1300, 2)
    places = np.array([1, 2, 499, 500, 501, 777, 1300])
    right = [records.wrong[max(n - 500, 0) : n].mean(axis=0) for n in places]
    np.testing.assert_allclose(filled(records).train_error(places), right, rtol=1e-14)


@pytest.mark.parametrize("places", [[1300], [900, 1000], [501]], ids=str)
def test_training_error_of_late_samples_alone(places):
    records = random_records(1300, 1)
    right = [records.wrong[n - 500 : n].mean(axis=0) for n in places]
    np.testing.assert_allclose(filled(records).train_error(np.array(places)), right, rtol=1e-14)


def test_there_is_no_training_error_before_the_first_sample():
    curve = filled(random_records(5, 2))
    assert np.isnan(curve.train_error(np.array([0, 3]))[0]).all()
    assert curve.train_error(np.array([], dtype=int)).shape == (0, 2)


def test_measured_leaves_out_what_was_not_measured():
    records = random_records(20, 2, every=6)
    samples, errors = filled(records, samples=50).measured()
    assert samples.tolist() == [0, 6, 12, 18]
    np.testing.assert_array_equal(errors[1:], records.test_error[[5, 11, 17]])


def test_the_last_error_is_the_median_of_the_newest_measured():
    records = random_records(20, 3, every=6)
    assert filled(records).last_error() == sorted(records.test_error[17])[1]
    assert filled(cut(records, 0, 3)).last_error() == 0.96


def test_summary_of_a_hand_made_curve():
    summary = with_errors(0.96, 0.5, 0.51, 0.15, np.nan, 0.12, 0.12, 0.3).summary(seconds=2.5)
    assert (summary.samples, summary.seconds) == (7, 2.5)
    assert (summary.best_error, summary.best_sample) == (0.12, 5)  # the first of the two
    assert summary.final_error == 0.3
    assert summary.reached == {0.5: 1, 0.2: 3, 0.1: None}


def test_summary_takes_the_median_of_the_replicas():
    curve = Curve(2, 3)
    curve.test_error[0] = 1
    errors = np.array([[0.1, 0.4, 0.6], [0.1, 0.2, 0.9]])
    curve.add(Records(np.ones((2, 3)), np.zeros((2, 3), bool), errors))
    summary = curve.summary(1.0)
    assert (summary.best_error, summary.final_error) == (0.2, 0.2)
    assert summary.reached == {0.5: 1, 0.2: 2, 0.1: None}


def test_summary_of_a_run_without_samples():
    summary = with_errors(0.96).summary(0.0)
    assert (summary.samples, summary.final_error, summary.best_sample) == (0, 0.96, 0)


def test_the_file_has_a_row_for_every_sample_of_every_replica(tmp_path):
    records = random_records(6, 2, every=2)
    filled(records, samples=10).save(tmp_path / "curve.parquet")
    rows = pq.read_table(tmp_path / "curve.parquet").to_pylist()
    assert len(rows) == 2 * 7  # what is learned so far, not all ten
    for row in rows:
        r, n = row["replica"], row["sample"]
        if n == 0:
            assert (row["wrong"], row["test_error"]) == (False, 0.96)
        else:
            assert row["loss"] == records.loss[n - 1, r]
            assert row["wrong"] == records.wrong[n - 1, r]
            np.testing.assert_equal(row["test_error"], records.test_error[n - 1, r])
    assert [(row["replica"], row["sample"]) for row in rows] == [(r, n) for r in range(2) for n in range(7)]


def test_a_stored_curve_comes_back_cut_to_the_checkpoint(tmp_path):
    whole = filled(random_records(30, 2, every=3))
    whole.save(tmp_path / "curve.parquet")
    curve = Curve(30, 2)
    curve.load(tmp_path / "curve.parquet", 11)
    assert curve.sample == 11
    for name in ("loss", "wrong", "test_error"):
        np.testing.assert_array_equal(getattr(curve, name)[:12], getattr(whole, name)[:12])
    assert np.isnan(curve.loss[12:]).all()
    assert not curve.wrong[12:].any()


def test_a_curve_taken_up_goes_on_as_if_never_cut(tmp_path):
    records = random_records(30, 2)
    filled(cut(records, 0, 20), samples=30).save(tmp_path / "curve.parquet")
    curve = Curve(30, 2)
    curve.load(tmp_path / "curve.parquet", 11)
    curve.add(cut(records, 11, 30))
    for name in ("loss", "wrong", "test_error"):
        np.testing.assert_array_equal(getattr(curve, name), getattr(filled(records), name))


def test_the_measured_errors_of_a_run_folder_are_read(tmp_path):
    curve = filled(random_records(6, 3, every=2), samples=10)
    curve.save(tmp_path / "curve.parquet")
    samples, errors = read_curve(tmp_path)
    assert samples.tolist() == [0, 2, 4, 6]
    np.testing.assert_array_equal(errors, curve.test_error[[0, 2, 4, 6]])


def test_a_run_folder_without_a_curve_gets_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"is not a run folder: it has no config\.yaml\."):
        read_curve(tmp_path)
    (tmp_path / "config.yaml").touch()
    with pytest.raises(UserError, match="has no error curve yet"):
        read_curve(tmp_path)
    (tmp_path / "curve.parquet").touch()
    with pytest.raises(UserError, match=r"curve\.parquet can't be read .*: train the run again\."):
        read_curve(tmp_path)


@pytest.mark.parametrize(("samples", "replicas"), [(30, 1), (30, 3), (10, 2)], ids=str)
def test_the_curve_of_another_run_is_not_taken_up(tmp_path, samples, replicas):
    filled(random_records(samples, replicas)).save(tmp_path / "curve.parquet")
    with pytest.raises(ValueError, match="another curve"):
        Curve(30, 2).load(tmp_path / "curve.parquet", 11)


def test_many_networks_keep_counts_in_two_bytes_and_the_same_errors(tmp_path):
    letters, generator = 520, np.random.default_rng(3)
    errors = generator.integers(0, letters + 1, (30, 4)) / letters
    errors[::3] = np.nan
    curve = Curve(30, 4, letters)
    curve.test_error[0] = 1
    curve.add(Records(np.ones((30, 4)), np.zeros((30, 4), bool), errors))
    curve.save(tmp_path / "curve.parquet")
    table = pq.read_table(tmp_path / "curve.parquet")
    assert table.column_names == ["replica", "sample", "loss", "wrong", "misread"]
    assert table.schema.field("misread").type == "uint16"
    assert table.schema.metadata[b"test_letters"] == b"520"
    loaded = Curve(30, 4, letters)
    loaded.load(tmp_path / "curve.parquet", 30)
    np.testing.assert_array_equal(loaded.test_error, curve.test_error)
    np.testing.assert_array_equal(read_curve(tmp_path)[1], curve.measured()[1])


def test_one_network_keeps_fractions(tmp_path):
    Curve(3, 1, 520).save(tmp_path / "curve.parquet")
    assert "test_error" in pq.read_table(tmp_path / "curve.parquet").column_names
