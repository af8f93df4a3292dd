"""TensorBoard for one run, written in bulk so that it costs almost nothing.

Curves, pictures, the custom-scalars dashboard and the HParams record all go to event files in the run folder itself,
as protobufs straight to TensorBoard's record writer: no queue, no thread, no `add_scalar`.
"""

from __future__ import annotations

import functools
import io
import os
import re
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

TEST_ERROR = "error/test"
TRAIN_ERROR = "error/train"
TRAIN_LOSS = "loss/train"
BEST_TEST_ERROR = "result/best_test_error"
FINAL_TEST_ERROR = "result/final_test_error"

# TensorBoard keeps 1000 points of a tag and drops others at random: a run must not have more.
MOST_POINTS = 1000
DENSE = 100  # every one of the first samples is shown

_CURVES = {TEST_ERROR: "Test error", TRAIN_ERROR: "Train error", TRAIN_LOSS: "Train loss"}


@functools.lru_cache(maxsize=8)
def _spread_points(total: int) -> np.ndarray:
    if total < MOST_POINTS:
        return np.arange(total + 1)
    # Half of the rest evenly in the logarithm, half evenly: the fall and the long tail are both drawn well.
    half = (MOST_POINTS - DENSE - 1) // 2
    logarithmic, linear = np.geomspace(DENSE, total, half), np.linspace(DENSE, total, half)
    return np.unique(np.rint(np.concatenate([np.arange(DENSE), logarithmic, linear])).astype(np.int64))


def select_points(first: int, last: int, total: int) -> np.ndarray:
    """The numbers of samples learned, above `first` and up to `last`, at which a run's curves are to be shown.

    They depend on nothing but the length of the run, so blocks and resumed runs show the same points. There are at most
    1000 in a whole run: 0 to 100 all of them, and always the last one. `first = -1` includes sample 0.

    Returns:
        [n] int64, increasing.
    """
    samples = _spread_points(total)
    return samples[np.searchsorted(samples, first, "right") : np.searchsorted(samples, last, "right")]


class Board:
    """The TensorBoard events of one run, in its own folder.

    Opening it writes the HParams record and the dashboard's layout, so that a killed run is complete too. An earlier
    process's event files stay as they are; what they hold above `first_sample` is purged from view.

    No HParams experiment is written, on purpose: TensorBoard takes the first one it finds for all runs, which would
    hide the hyperparameters that only other runs have, and mark none as differing.

    Args:
        folder: the run folder; made if missing.
        hyperparameters: the config, flat.
        first_sample: samples learned already, above 0 when a run is resumed.
        replicas: networks trained side by side; above 1 the curves are medians, with quartiles.

    Raises:
        OSError: the folder can't be written.
    """

    def __init__(
        self,
        folder: Path,
        hyperparameters: Mapping[str, bool | int | float | str],
        first_sample: int = 0,
        replicas: int = 1,
    ) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        self._replicas = replicas
        self._last = first_sample
        self._event = Event  # the class, kept so that every write needs no import
        self._records = RecordWriter(_name_event_file(folder).open("xb"))
        self._write(Event(file_version="brain.Event:2"))
        # TensorBoard drops what earlier files have from this step on.
        purge = first_sample + 1 if first_sample else 0
        self._write(Event(step=purge, session_log=SessionLog(status=SessionLog.START)))
        self._write_layout()
        self._write_start(hyperparameters)
        self._records.flush()

    def curve(self, samples: np.ndarray, train_error: np.ndarray, test_error: np.ndarray, loss: np.ndarray) -> None:
        """Write a stretch of the curves; values that are not finite are left out.

        Args:
            samples: [n] samples learned, the points to be shown only (see `shown`).
            train_error: [n, R] fraction of training letters read wrongly.
            test_error: [n, R] fraction of test letters read wrongly.
            loss: [n, R] training loss.
        """
        columns: dict[str, np.ndarray] = {}
        for tag, values in ((TEST_ERROR, test_error), (TRAIN_ERROR, train_error), (TRAIN_LOSS, loss)):
            columns |= self._across_replicas(tag, np.asarray(values, dtype=np.float64))
        tags = list(columns)
        rows = np.stack(list(columns.values()), axis=1) if tags else np.empty((len(samples), 0))
        event = self._event(wall_time=time.time())
        for sample, row, finite in zip(np.asarray(samples).tolist(), rows.tolist(), np.isfinite(rows), strict=True):
            if not finite.any():
                continue
            event.step = sample
            event.ClearField("summary")
            for tag, value, is_finite in zip(tags, row, finite, strict=True):
                if is_finite:
                    event.summary.value.add(tag=tag, simple_value=value)
            self._records.write(event.SerializeToString())
        self._records.flush()
        if len(samples):
            self._last = max(self._last, int(samples[-1]))

    def figures(self, step: int, figures: Mapping[str, np.ndarray]) -> None:
        """Write figures by tag, each [R], at a number of samples learned; what is not finite is left out."""
        event = self._event(step=step)
        for tag, values in figures.items():
            for name, value in self._across_replicas(tag, np.asarray(values, dtype=np.float64)[None]).items():
                if np.isfinite(value[0]):
                    event.summary.value.add(tag=name, simple_value=value[0])
        self._write(event)
        self._records.flush()

    def picture(self, tag: str, step: int, array: np.ndarray) -> None:
        """Write a picture, uint8 [H, W, 3], at a number of samples learned; it is reduced to 256 colours."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        height, width, channels = array.shape
        encoded = io.BytesIO()
        # A third of the bytes, and the record writer's checksum takes its time for each byte.
        paletted = Image.fromarray(array).quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        paletted.save(encoded, format="PNG", compress_level=3)
        image = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=encoded.getvalue())
        self._write(self._event(step=step, summary=Summary(value=[Summary.Value(tag=tag, image=image)])))
        self._records.flush()

    def close(self, final_test_error: float | None = None, best_test_error: float | None = None) -> None:
        """Close the event file; with errors given, the run is over and they become its metrics in the HParams tab.

        Without them the run counts as unfinished, to be resumed. A final error that is not finite marks it as failed.
        Closing again does nothing.
        """
        if self._records.closed:
            return
        if final_test_error is not None or best_test_error is not None:
            results = {FINAL_TEST_ERROR: final_test_error, BEST_TEST_ERROR: best_test_error}
            self._write_end({tag: value for tag, value in results.items() if value is not None and np.isfinite(value)})
        self._records.close()

    def _across_replicas(self, tag: str, values: np.ndarray) -> dict[str, np.ndarray]:
        """The median [n] of values [n, R], and its quartiles when there are replicas."""
        if self._replicas == 1:
            return {tag: values[:, 0]}
        median, lower, upper = (_compute_quantile(values, q) for q in (0.5, 0.25, 0.75))
        return {tag: median, _name_quartile(tag, "lower"): lower, _name_quartile(tag, "upper"): upper}

    def _write(self, event: Any) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())

    def _write_layout(self) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.types_pb2 import DT_STRING
        from tensorboard.plugins.custom_scalar import metadata

        tensor = TensorProto(dtype=DT_STRING, string_val=[_make_layout(self._replicas).SerializeToString()])
        value = Summary.Value(
            tag=metadata.CONFIG_SUMMARY_TAG, tensor=tensor, metadata=metadata.create_summary_metadata()
        )
        self._write(self._event(summary=Summary(value=[value])))

    def _write_start(self, hyperparameters: Mapping[str, bool | int | float | str]) -> None:
        from tensorboard.plugins.hparams import metadata, plugin_data_pb2

        start = plugin_data_pb2.SessionStartInfo(start_time_secs=time.time())
        for name, value in hyperparameters.items():
            if isinstance(value, bool):
                start.hparams[name].bool_value = value
            elif isinstance(value, int | float):
                start.hparams[name].number_value = value
            else:
                start.hparams[name].string_value = value
        self._write_hparams(
            metadata.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=start)
        )

    def _write_end(self, results: dict[str, float]) -> None:
        from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

        event = self._event(step=self._last)
        for tag, value in results.items():
            event.summary.value.add(tag=tag, simple_value=value)
        self._write(event)
        status = api_pb2.STATUS_SUCCESS if FINAL_TEST_ERROR in results else api_pb2.STATUS_FAILURE
        end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time.time())
        self._write_hparams(metadata.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=end))

    def _write_hparams(self, tag: str, data: Any) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.hparams import metadata

        value = Summary.Value(tag=tag, tensor=metadata.NULL_TENSOR, metadata=metadata.create_summary_metadata(data))
        self._write(self._event(summary=Summary(value=[value])))


def _compute_quantile(values: np.ndarray, q: float) -> np.ndarray:
    """The quantile of each row's finite values, NaN without any; np.nanquantile takes 20 times as long."""
    ordered = np.sort(np.where(np.isfinite(values), values, np.nan), axis=1)  # NaN comes last
    place = q * np.maximum(np.isfinite(ordered).sum(axis=1) - 1, 0)
    below, above = np.floor(place).astype(int)[:, None], np.ceil(place).astype(int)[:, None]
    left, right = np.take_along_axis(ordered, below, 1)[:, 0], np.take_along_axis(ordered, above, 1)[:, 0]
    return left + (right - left) * (place - below[:, 0])


def _name_quartile(tag: str, which: str) -> str:
    return f"spread/{tag.replace('/', '_')}_{which}"


def _make_layout(replicas: int) -> Layout:
    """The one dashboard; TensorBoard merges the charts of all runs in a category of the same title."""
    from tensorboard.plugins.custom_scalar.layout_pb2 import (
        Category,
        Chart,
        Layout,
        MarginChartContent,
        MultilineChartContent,
    )

    lines = {
        "Test error against samples learned": [TEST_ERROR],
        "Train and test error against samples learned": [TRAIN_ERROR, TEST_ERROR],
        "Train loss against samples learned": [TRAIN_LOSS],
    }
    charts = [
        Chart(title=title, multiline=MultilineChartContent(tag=[f"^{re.escape(tag)}$" for tag in tags]))
        for title, tags in lines.items()
    ]
    if replicas > 1:
        for tag, name in _CURVES.items():
            series = MarginChartContent.Series(
                value=tag, lower=_name_quartile(tag, "lower"), upper=_name_quartile(tag, "upper")
            )
            title = f"{name}: median and quartiles of the networks trained side by side"
            charts.append(Chart(title=title, margin=MarginChartContent(series=[series])))
    return Layout(category=[Category(title="Learning", chart=charts)])


def _name_event_file(folder: Path) -> Path:
    """A name that sorts after all event files in the folder: TensorBoard reads them by name, whatever clock made it."""
    earlier = (re.match(r"events\.out\.tfevents\.(\d+)", path.name) for path in folder.glob("*tfevents*"))
    seconds = max([int(time.time()), *(int(match[1]) + 1 for match in earlier if match)])
    return folder / f"events.out.tfevents.{seconds:010d}.{socket.gethostname()}.{os.getpid()}"
