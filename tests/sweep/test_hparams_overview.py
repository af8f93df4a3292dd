"""TensorBoard's HParams of a folder of runs: the fields that vary, and two metrics."""

from __future__ import annotations

from pathlib import Path

from sweeps import make_run
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata

from letterocr.sweep.hparams_overview import NAME, write_overview
from letterocr.sweep.reader import read_sweep


def read(folder: Path) -> api_pb2.Experiment:
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    content = accumulator.SummaryMetadata(metadata.EXPERIMENT_TAG).plugin_data.content
    return metadata.parse_experiment_plugin_data(content)


def test_it_names_the_fields_that_vary_and_two_metrics(tmp_path):
    for rate, seed in ((0.1, 0), (1.0, 0), (0.1, 1)):
        make_run(tmp_path, rate, 1.0, seed)
    assert write_overview(tmp_path, read_sweep(tmp_path)) == tmp_path / NAME
    experiment = read(tmp_path)
    fields = {info.name: (info.type, info.differs) for info in experiment.hparam_infos}
    assert fields == {
        "learning_rate": (api_pb2.DATA_TYPE_FLOAT64, True),
        "seed": (api_pb2.DATA_TYPE_FLOAT64, True),
    }
    assert [m.name.tag for m in experiment.metric_infos] == ["result/final_test_error", "result/best_test_error"]


def test_it_is_written_anew_when_more_varies(tmp_path):
    make_run(tmp_path, 0.1, 1.0, 0)
    write_overview(tmp_path, read_sweep(tmp_path))
    assert [info.name for info in read(tmp_path).hparam_infos] == ["model.name", "rule", "learning_rate"]
    path = make_run(tmp_path, 0.2, 1.0, 0) / "config.yaml"
    path.write_text(path.read_text().replace("learning_rate: 0.2", "learning_rate: auto"))
    write_overview(tmp_path, read_sweep(tmp_path))
    (info,) = read(tmp_path).hparam_infos
    assert (info.name, info.type) == ("learning_rate", api_pb2.DATA_TYPE_STRING)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [NAME]
