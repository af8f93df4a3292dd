"""TensorBoard events of one run, written in bulk so that they take little time.

Curves, pictures, the custom-scalars dashboard and the HParams record go to event files in the run folder. They are
written as protobufs with TensorBoard's record writer, without a queue, a thread or `add_scalar`.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from letterocr.base.quartiles import compute_row_quartiles
from letterocr.run.dashboard import (
    BEST_TEST_ERROR,
    FINAL_TEST_ERROR,
    TEST_ERROR,
    TRAIN_ERROR,
    TRAIN_LOSS,
    make_layout,
    name_quartile,
)
from letterocr.run.event_file import EventFile

if TYPE_CHECKING:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData


TRAIN = "train"


class Board:
    """TensorBoard events of one run: in its run folder, and in the folder `train` below it.

    TensorBoard gives each folder a colour of its own, so that the curves of the training letters, which are in `train`,
    differ from those of the test letters.

    Opening it writes the HParams record and the layout of the dashboard, so that a killed run has both. Event files of
    an earlier process are not changed; TensorBoard hides their values above `first_sample`.

    No HParams experiment is written here: TensorBoard would use the first one that it finds for all runs. The one of
    the whole output folder is written by `hparams_overview`.

    Args:
        folder: the run folder; made if missing.
        hyperparameters: every field of the run's identity by its full name.
        first_sample: samples learned already, above 0 when a run is resumed.
        replicas: networks trained side by side; above 1 the curves are medians, with quartiles.
        diagnosed: number of weight matrices that are diagnosed; 0 without diagnoses.

    Raises:
        OSError: the folder can't be written.
    """

    def __init__(
        self,
        folder: Path,
        hyperparameters: Mapping[str, bool | int | float | str],
        first_sample: int = 0,
        replicas: int = 1,
        diagnosed: int = 0,
    ) -> None:
        self._replicas, self._diagnosed = replicas, diagnosed
        self._last = first_sample
        self._file, self._train = EventFile(folder, first_sample), EventFile(folder / TRAIN, first_sample)
        self._write_layout()
        self._write_start(hyperparameters)
        self._file.flush()

    def curve(self, samples: np.ndarray, train_error: np.ndarray, test_error: np.ndarray, loss: np.ndarray) -> None:
        """Write a stretch of the curves; values that are not finite are left out.

        Args:
            samples: [n] samples learned, as `shown_samples` selects them.
            train_error: [n, R] fraction of the training letters that are misread.
            test_error: [n, R] fraction of the test letters that are misread.
            loss: [n, R] training loss.
        """
        self._write_curves(self._file, samples, {TEST_ERROR: test_error})
        self._write_curves(self._train, samples, {TRAIN_ERROR: train_error, TRAIN_LOSS: loss})
        if len(samples):
            self._last = max(self._last, int(samples[-1]))

    def _write_curves(self, file: EventFile, samples: np.ndarray, curves: Mapping[str, np.ndarray]) -> None:
        columns: dict[str, np.ndarray] = {}
        for tag, values in curves.items():
            columns |= self._across_replicas(tag, np.asarray(values, dtype=np.float64))
        rows = np.stack(list(columns.values()), axis=1)
        for sample, row, finite in zip(np.asarray(samples).tolist(), rows.tolist(), np.isfinite(rows), strict=True):
            file.write_scalars(sample, {tag: v for tag, v, kept in zip(columns, row, finite, strict=True) if kept})
        file.flush()

    def figures(self, step: int, figures: Mapping[str, np.ndarray]) -> None:
        """Write figures [R] by their tags; values that are not finite are left out.

        Args:
            step: samples learned.
            figures: each figure [R] by its tag.
        """
        found: dict[str, np.ndarray] = {}
        for tag, values in figures.items():
            found |= self._across_replicas(tag, np.asarray(values, dtype=np.float64)[None])
        self._file.write_scalars(step, {tag: float(v[0]) for tag, v in found.items() if np.isfinite(v[0])})
        self._file.flush()

    def picture(self, tag: str, step: int, array: np.ndarray) -> None:
        """Write a picture, reduced to 256 colours.

        Args:
            tag: tag of the picture.
            step: samples learned.
            array: [H, W, 3] uint8.
        """
        from tensorboard.compat.proto.summary_pb2 import Summary

        height, width, channels = array.shape
        encoded = io.BytesIO()
        # 256 colours take a third of the bytes, and so a third of the time for the record writer's checksum.
        paletted = Image.fromarray(array).quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        paletted.save(encoded, format="PNG", compress_level=3)
        image = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=encoded.getvalue())
        value = Summary.Value(tag=tag, image=image)
        self._file.describe(value)
        self._file.write(self._file.make_event(step=step, summary=Summary(value=[value])))
        self._file.flush()

    def close(self, final_test_error: float | None = None, best_test_error: float | None = None) -> None:
        """Close the event files; a second call does nothing.

        If errors are given, the run is over, and they become its metrics in the HParams tab; a final error that is not
        finite marks the run as failed. Without errors the run counts as unfinished.

        Args:
            final_test_error: last test error, a fraction.
            best_test_error: lowest test error, a fraction.
        """
        if self._file.is_closed:
            return
        if final_test_error is not None or best_test_error is not None:
            results = {FINAL_TEST_ERROR: final_test_error, BEST_TEST_ERROR: best_test_error}
            self._write_end({tag: value for tag, value in results.items() if value is not None and np.isfinite(value)})
        self._file.close()
        self._train.close()

    def _across_replicas(self, tag: str, values: np.ndarray) -> dict[str, np.ndarray]:
        """Return the median [n] of the finite values among [n, R], and the quartiles if there are several replicas."""
        if self._replicas == 1:
            return {tag: values[:, 0]}
        low, median, high = compute_row_quartiles(np.where(np.isfinite(values), values, np.nan))
        return {tag: median, name_quartile(tag, "lower"): low, name_quartile(tag, "upper"): high}

    def _write_layout(self) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.types_pb2 import DT_STRING
        from tensorboard.plugins.custom_scalar import metadata

        tensor = TensorProto(
            dtype=DT_STRING, string_val=[make_layout(self._replicas, self._diagnosed).SerializeToString()]
        )
        value = Summary.Value(
            tag=metadata.CONFIG_SUMMARY_TAG, tensor=tensor, metadata=metadata.create_summary_metadata()
        )
        self._file.write(self._file.make_event(summary=Summary(value=[value])))

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

        self._file.write_scalars(self._last, results)
        status = api_pb2.STATUS_SUCCESS if FINAL_TEST_ERROR in results else api_pb2.STATUS_FAILURE
        end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time.time())
        self._write_hparams(metadata.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=end))

    def _write_hparams(self, tag: str, data: HParamsPluginData) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.hparams import metadata

        value = Summary.Value(tag=tag, tensor=metadata.NULL_TENSOR, metadata=metadata.create_summary_metadata(data))
        self._file.write(self._file.make_event(summary=Summary(value=[value])))
