"""Snapshots: the run keeps its bits, they hold what the networks learned, and a cut run has those of a whole one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny import assert_same_bits, at_checkpoint, command, run_folder, tiny

from letterocr.base.errors import UserError
from letterocr.compose.stored_config import read_config
from letterocr.run.playback import FILE, load_rows, read_playback, save_rows
from letterocr.run.run_view import view_run
from letterocr.run.stored_network import initialise_network, load_network


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The folders of one run without and with snapshots; only to be read."""
    output = tmp_path_factory.mktemp("kept")
    for name in ("none", "log"):
        answer = command(*tiny("replicas=2", "samples=100", f"snapshots={name}", f"output={output / name}"))
        assert answer.status == 0, answer.err
    return run_folder(output / "none"), run_folder(output / "log")


def test_snapshots_change_no_bit(kept):
    plain, snapped = kept
    assert plain.name == snapped.name  # the same run
    assert_same_bits(plain, snapped)
    assert not (plain / FILE).exists()
    assert read_playback(plain) is None


def test_the_last_snapshot_is_what_the_checkpoint_says(kept):
    folder = kept[1]
    playback, config = read_playback(folder), read_config(folder)
    samples = playback.samples.tolist()
    assert samples == [0, 1, 2, 3, 4, 5, 6, 8, 10, 14, 18, 24, 32, 43, 57, 75, 100]
    assert not playback.networks.any()
    now, before = load_network(folder, config, 26)[0], initialise_network(config, 26)
    for layer, weight, start in zip(playback.layers, now.weights, before.weights, strict=True):
        left, values, right = np.linalg.svd((weight[0].double() - start[0].double()).numpy(), full_matrices=False)
        best = (left[:, :6] * values[:6]) @ right[:6]
        np.testing.assert_allclose(layer.values[-1], values[:6], rtol=1e-5)
        kept_part = (layer.left[-1].T * layer.values[-1]) @ layer.right[-1]
        np.testing.assert_allclose(kept_part, best, atol=2e-3 * np.abs(best).max())  # 16-bit floats
        assert layer.values[0].max() == 0
        assert layer.values[1, 1] < 1e-4 * layer.values[1, 0]  # one sample: one outer product
    test = view_run(folder).letters.test
    with torch.no_grad():
        outputs = now.replica(0).forward(test.images)[-1]
    read = outputs.argmax(1)
    for truth in range(26):
        expected = torch.bincount(read[test.labels == truth], minlength=26)
        assert playback.confusion[-1, truth].tolist() == expected.tolist()
    assert playback.test_error[-1] == pytest.approx(float((read != test.labels).double().mean()))
    losses = (outputs - torch.eye(26)[test.labels]).square().sum(1)
    assert playback.worst[-1].tolist() == losses.sort(descending=True).indices[:12].tolist()
    np.testing.assert_allclose(playback.outputs[-1], outputs[playback.worst[-1]], rtol=1e-4, atol=1e-5)


def test_a_vector_keeps_its_sign(kept):
    for layer in read_playback(kept[1]).layers:
        assert (np.einsum("ski,ski->sk", layer.right[1:], layer.right[:-1]) >= 0).all()


def test_a_cut_run_has_the_snapshots_of_a_whole_one(tmp_path, kept):
    overrides = tiny("replicas=2", "samples=100", "snapshots=log", "checkpoint_seconds=0", f"output={tmp_path}")
    with at_checkpoint(4):
        command(*overrides)
    folder = run_folder(tmp_path)
    before = load_rows(folder)
    assert 1 < len(before) < 17
    save_rows(folder, [*before, before[-1] | {"sample": np.int64(99)}])  # as if it was killed before its checkpoint
    assert command(*overrides, "resume=true").status == 0
    for row, other in zip(load_rows(kept[1]), load_rows(folder), strict=True):
        for name, value in row.items():
            np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_the_network_that_is_looked_at_has_not_diverged(tmp_path):
    fields = ("replicas=2", "learning_rate=[1e30,0.002]", "samples=20", "snapshots=log", f"output={tmp_path}")
    command(*tiny(*fields, model="two_layer"))
    playback = read_playback(run_folder(tmp_path))
    assert playback.samples[-1] == 20
    assert playback.networks[0] == 0
    assert playback.networks[-1] == 1
    assert np.isfinite(playback.layers[0].left).all()


def test_damaged_snapshots_do_not_stop_a_run(tmp_path):
    overrides = tiny("samples=60", "snapshots=log", "checkpoint_seconds=0", f"output={tmp_path}")
    with at_checkpoint(3):
        command(*overrides)
    folder = run_folder(tmp_path)
    (folder / FILE).write_bytes(b"PK no archive")
    with pytest.raises(UserError, match="can't be played back"):
        read_playback(folder)
    answer = command(*overrides, "resume=true")
    assert answer.status == 0, answer.err
    assert "snapshots begin again here" in " ".join((answer.out + answer.err).split())
    assert read_playback(folder).samples[-1] == 60
