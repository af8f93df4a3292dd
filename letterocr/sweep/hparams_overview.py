"""HParams of a folder of runs: one small event file beside the run folders, so that TensorBoard shows what varies.

TensorBoard lists every field of every run and every curve as a metric unless one experiment record says otherwise. It
must say so for all runs, so it is written from the configs of all of them, when a sweep ends and by the summary.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from letterocr.base.files import replace_file
from letterocr.config.label import Value, list_telling
from letterocr.run.dashboard import BEST_TEST_ERROR, FINAL_TEST_ERROR
from letterocr.sweep.reader import RunRecord

if TYPE_CHECKING:
    from tensorboard.plugins.hparams.api_pb2 import HParamInfo

NAME = "events.out.tfevents.0000000001.letterocr-hparams"
METRICS = {FINAL_TEST_ERROR: "final test error", BEST_TEST_ERROR: "best test error"}


def write_overview(folder: Path, runs: Sequence[RunRecord]) -> Path:
    """Write the event file that names the fields that vary and the two metrics; return its path.

    Args:
        folder: the folder that holds the runs, which TensorBoard is given.
        runs: all runs in it.

    Raises:
        OSError: the folder can't be written.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
    from tensorboard.summary.writer.record_writer import RecordWriter

    fields = [run.fields for run in runs if run.fields]
    names = list_telling(fields) or ["model.name", "rule", "learning_rate"]
    infos = [_describe(name, [run[name] for run in fields if name in run]) for name in names]
    metrics = [
        api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag), display_name=words) for tag, words in METRICS.items()
    ]
    experiment = api_pb2.Experiment(hparam_infos=infos, metric_infos=metrics)
    content = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(experiment=experiment))
    value = Summary.Value(tag=metadata.EXPERIMENT_TAG, tensor=metadata.NULL_TENSOR, metadata=content)
    with replace_file(folder / NAME) as temporary, temporary.open("wb") as file:
        records = RecordWriter(file)
        for event in (Event(file_version="brain.Event:2"), Event(summary=Summary(value=[value]))):
            event.wall_time = time.time()
            records.write(event.SerializeToString())
        records.flush()
    return folder / NAME


def _describe(name: str, values: Sequence[Value]) -> HParamInfo:
    """Return what TensorBoard must know of a field: its type, and that it differs."""
    from tensorboard.plugins.hparams import api_pb2

    kinds = {bool if isinstance(value, bool) else float if isinstance(value, int | float) else str for value in values}
    kind = kinds.pop() if len(kinds) == 1 else str
    types = {bool: api_pb2.DATA_TYPE_BOOL, float: api_pb2.DATA_TYPE_FLOAT64, str: api_pb2.DATA_TYPE_STRING}
    return api_pb2.HParamInfo(name=name, type=types[kind], differs=True)
