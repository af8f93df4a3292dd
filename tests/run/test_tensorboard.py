"""The events are read back with TensorBoard's own readers."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import random_network
from PIL import Image
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import api_pb2, metadata

from letterocr.curvature.rank_figures import spectra
from letterocr.run.dashboard import describe_tag
from letterocr.run.tensorboard import Board

HYPERPARAMETERS = {"seed": 3, "optimizer.alpha": 0.02, "rule": "printed", "bias": True}


def read(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars(folder: Path, tag: str) -> dict[int, float]:
    """Step to value; a step that shows twice fails."""
    events = read(folder).Tensors(tag)
    points = {event.step: float(event.tensor_proto.float_val[0]) for event in events}
    assert len(points) == len(events)
    return points


def layout(folder: Path) -> layout_pb2.Layout:
    (event,) = read(folder).Tensors("custom_scalars__config__")
    return layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])


def hparams(folder: Path, tag: str) -> bytes:
    return read(folder).SummaryMetadata(tag).plugin_data.content


def column(values: list[float]) -> np.ndarray:
    return np.array(values)[:, None]


def write(board: Board, samples: range, error: float) -> None:
    values = np.full((len(samples), 1), error)
    board.curve(np.array(samples), values + 0.25, values, values * 8)


def test_curves_have_their_tags_steps_and_values_and_leave_out_what_is_not_finite(tmp_path):
    board = Board(tmp_path, HYPERPARAMETERS)
    samples = np.array([0, 1, 5])
    board.curve(samples, column([np.nan, 0.5, 0.25]), column([1.0, 0.5, np.nan]), column([np.nan, 2.0, np.inf]))
    board.curve(np.array([6]), column([np.nan]), column([np.nan]), column([np.nan]))
    board.curve(np.array([], dtype=int), np.empty((0, 1)), np.empty((0, 1)), np.empty((0, 1)))
    board.close()
    assert scalars(tmp_path / "train", "error/train") == {1: 0.5, 5: 0.25}
    assert scalars(tmp_path, "error/test") == {0: 1.0, 1: 0.5}
    assert scalars(tmp_path / "train", "loss/train") == {1: 2.0}


def test_replicas_show_median_and_quartiles(tmp_path):
    board = Board(tmp_path, HYPERPARAMETERS, replicas=5)
    errors = np.array([[0.0, 0.25, 0.5, 0.75, 1.0], [0.5, np.nan, 0.5, 0.5, np.nan], [np.nan] * 5])
    board.curve(np.array([1, 2, 3]), errors, errors, errors)
    board.close()
    assert scalars(tmp_path, "error/test") == {1: 0.5, 2: 0.5}
    assert scalars(tmp_path, "spread/error_test_lower") == {1: 0.25, 2: 0.5}
    assert scalars(tmp_path, "spread/error_test_upper") == {1: 0.75, 2: 0.5}
    (category,) = layout(tmp_path).category
    margins = [chart.margin.series[0] for chart in category.chart if chart.HasField("margin")]
    assert next((m.value, m.lower, m.upper) for m in margins) == (
        "error/test",
        "spread/error_test_lower",
        "spread/error_test_upper",
    )
    written = {tag for folder in (tmp_path, tmp_path / "train") for tag in read(folder).Tags()["tensors"]}
    assert {tag for m in margins for tag in (m.value, m.lower, m.upper)} <= written


def test_the_dashboard_is_arranged_beforehand_and_shows_no_curve_twice(tmp_path):
    Board(tmp_path, HYPERPARAMETERS).close()
    (category,) = layout(tmp_path).category
    assert [list(chart.multiline.tag) for chart in category.chart] == [
        ["^(error/test|error/train)$"],
        ["^loss/train$"],
    ]
    assert not any(chart.HasField("margin") for chart in category.chart)


def test_a_diagnosed_run_has_the_matrix_view(tmp_path):
    Board(tmp_path, HYPERPARAMETERS, diagnosed=2).close()
    _, view = layout(tmp_path).category
    assert view.title.startswith("Matrix view")
    assert "Smoothing" in view.title
    patterns = [pattern for chart in view.chart for pattern in chart.multiline.tag]
    for tags in (
        ["weight_1/singular_value_1", "weight_1/singular_value_5"],
        ["update_2/singular_value_3"],
        ["learning_rate/used", "learning_rate/limit"],
        ["hidden_1/effective_rank"],
    ):
        assert any(all(re.fullmatch(pattern.strip("^$"), tag) for tag in tags) for pattern in patterns)


def test_every_tag_of_a_diagnosed_run_has_a_description(tmp_path):
    board = Board(tmp_path, HYPERPARAMETERS, replicas=2)
    values = np.full((3, 2), 0.5)
    board.curve(np.arange(3), values, values, values)
    network = random_network([900, 6, 26], [1.0], replicas=1).replica(0)
    figures = spectra(network, network, torch.rand(5, 900, dtype=torch.float64))
    own = ("printed/angle", "printed_1/norm_ratio", "hessian/largest_eigenvalue", "learning_rate/used")
    board.figures(2, {tag: np.ones(2) for tag in (*figures, *own, "learning_rate/limit")})
    board.picture("pictures/learned", 1, np.zeros((2, 3, 3), np.uint8))
    board.close(0.5, 0.25)
    described = {}
    for accumulator in (read(tmp_path), read(tmp_path / "train")):
        own = [tag for tag in accumulator.Tags()["tensors"] if not tag.startswith(("_hparams_", "custom_scalars"))]
        described |= {tag: accumulator.SummaryMetadata(tag).summary_description for tag in own}
    assert len(described) > 20
    assert {"error/test", "error/train", "loss/train"} < set(described)
    assert described == {tag: describe_tag(tag) for tag in described}


def test_hparams_are_complete_from_the_start_and_in_the_run_folder(tmp_path):
    board = Board(tmp_path, HYPERPARAMETERS)
    start = metadata.parse_session_start_info_plugin_data(hparams(tmp_path, metadata.SESSION_START_INFO_TAG))
    assert {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()} == HYPERPARAMETERS
    assert start.hparams["bias"].WhichOneof("kind") == "bool_value"
    assert metadata.SESSION_END_INFO_TAG not in read(tmp_path).Tags()["tensors"]
    board.close()
    assert {path.parent for path in tmp_path.rglob("*tfevents*")} == {tmp_path, tmp_path / "train"}
    assert metadata.SESSION_END_INFO_TAG not in read(tmp_path).Tags()["tensors"]


@pytest.mark.parametrize(("final", "status"), [(0.25, api_pb2.STATUS_SUCCESS), (float("nan"), api_pb2.STATUS_FAILURE)])
def test_closing_writes_the_metrics_and_the_end(tmp_path, final, status):
    board = Board(tmp_path, HYPERPARAMETERS)
    write(board, range(4), 0.5)
    board.close(final, 0.125)
    board.close(final, 0.125)
    end = metadata.parse_session_end_info_plugin_data(hparams(tmp_path, metadata.SESSION_END_INFO_TAG))
    assert end.status == status
    assert scalars(tmp_path, "result/best_test_error") == {3: 0.125}
    if status == api_pb2.STATUS_SUCCESS:
        assert scalars(tmp_path, "result/final_test_error") == {3: 0.25}


def test_a_resumed_run_shows_nothing_twice(tmp_path):
    killed = Board(tmp_path, HYPERPARAMETERS)
    write(killed, range(8), 0.5)
    killed.picture("pictures/confusion", 4, np.zeros((2, 3, 3), np.uint8))
    killed.picture("pictures/confusion", 7, np.zeros((2, 3, 3), np.uint8))
    killed.close()
    resumed = Board(tmp_path, HYPERPARAMETERS, first_sample=4)  # the last checkpoint
    write(resumed, range(6, 10), 0.25)
    resumed.close(0.25, 0.25)
    first, second = sorted(tmp_path.glob("*tfevents*"))
    assert first.stat().st_mtime <= second.stat().st_mtime
    assert scalars(tmp_path, "error/test") == dict.fromkeys(range(5), 0.5) | dict.fromkeys(range(6, 10), 0.25)
    assert scalars(tmp_path / "train", "error/train") == dict.fromkeys(range(5), 0.75) | dict.fromkeys(
        range(6, 10), 0.5
    )
    assert [event.step for event in read(tmp_path).Tensors("pictures/confusion")] == [4]


def test_a_fresh_run_purges_all_of_a_leftover_one(tmp_path):
    for error in (0.5, 0.25):
        board = Board(tmp_path, HYPERPARAMETERS)
        write(board, range(3), error)
        board.close()
    assert scalars(tmp_path, "error/test") == dict.fromkeys(range(3), 0.25)


@pytest.mark.parametrize("damage", ["truncated", "rubbish", "empty"])
def test_a_damaged_event_file_of_an_earlier_process_does_not_hurt(tmp_path, damage):
    killed = Board(tmp_path, HYPERPARAMETERS)
    write(killed, range(3), 0.5)
    killed.close()
    (path,) = tmp_path.glob("*tfevents*")
    whole = path.read_bytes()
    path.write_bytes({"truncated": whole[:-7], "rubbish": whole + b"\xff" * 99, "empty": b""}[damage])
    board = Board(tmp_path, HYPERPARAMETERS, first_sample=1)
    write(board, range(2, 5), 0.25)
    board.close()
    kept = {} if damage == "empty" else dict.fromkeys(range(2), 0.5)
    assert scalars(tmp_path, "error/test") == kept | dict.fromkeys(range(2, 5), 0.25)


def test_a_leftover_file_of_a_clock_ahead_still_comes_first(tmp_path):
    ahead = tmp_path / "events.out.tfevents.9000000000.elsewhere.1.0"
    ahead.write_bytes(b"")
    Board(tmp_path, HYPERPARAMETERS).close()
    assert min(path.name for path in tmp_path.iterdir()) == ahead.name


def test_a_picture_comes_back_as_it_was_but_for_fine_shades(tmp_path):
    picture = np.full((20, 30, 3), 255, np.uint8)
    picture[5:15, 5:15], picture[10, 20] = (200, 60, 48), (24, 128, 92)
    board = Board(tmp_path, HYPERPARAMETERS)
    board.picture("pictures/learned", 10, picture)
    board.close()
    (event,) = read(tmp_path).Tensors("pictures/learned")
    assert event.step == 10
    width, height, png = event.tensor_proto.string_val
    assert (int(width), int(height)) == (30, 20)
    back = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert np.abs(back.astype(int) - picture).max() <= 8
