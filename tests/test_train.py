"""The command: its sweeps, its process, and one sentence for every mistake."""

import functools

import pytest
from tiny import command, finish, result_of, run_folder, start, tiny

from letterocr import train
from letterocr.compose.stored_config import read_config

# Sweeps


def recorded(monkeypatch) -> list[float]:
    """What each run of the command returns to Hydra, and so to a sweeper."""
    values: list[float] = []
    task = train.train_task

    @functools.wraps(task)
    def recording(cfg):
        values.append(task(cfg))
        return values[-1]

    monkeypatch.setattr(train, "train_task", recording)
    return values


def test_each_run_of_a_sweep_returns_its_final_test_error(tmp_path, monkeypatch):
    values = recorded(monkeypatch)
    answer = command(*tiny(f"output={tmp_path}"), "-m", "seed=1,2,3")
    assert answer.status == 0, answer.err
    folders = list(tmp_path.glob("three_layer-*"))
    errors = {read_config(folder).seed: result_of(folder)["error"] for folder in folders}
    assert values == [errors[seed] for seed in (1, 2, 3)]
    assert len(set(values)) > 1


def test_a_run_that_diverges_counts_as_error_one_and_the_sweep_goes_on(tmp_path, monkeypatch):
    values = recorded(monkeypatch)
    sweep = tiny(f"output={tmp_path}", "-m", "learning_rate=0.001,1,0.002", model="two_layer")
    answer = command(*sweep)
    assert answer.status == 0, answer.err
    assert values[1] == 1.0
    assert max(values[0], values[2]) < 1
    assert "learning_rate=1 is too large" in answer.out
    first = values.copy()
    values.clear()
    assert command(*sweep).status == 0  # asked again: all are there already
    assert values == first


def test_the_runs_of_a_sweep_stand_side_by_side_for_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    assert command("-m", "model=two_layer,three_layer", *tiny(f"output={tmp_path}")[2:]).status == 0
    runs = EventMultiplexer().AddRunsFromDirectory(str(tmp_path))
    runs.Reload()
    overview, *names = sorted(runs.Runs())
    assert overview == "."  # the fields that vary, for the HParams tab
    tested = [name for name in names if not name.endswith("/train")]
    assert [name.split("-")[0] for name in tested] == ["three_layer", "two_layer"]
    assert sorted({*names} - {*tested}) == [f"{name}/train" for name in tested]  # the train error, in another colour
    assert all("error/test" in runs.Runs()[name]["scalars"] for name in tested)


# A process of its own


def test_it_runs_from_any_directory_and_its_paths_are_meant_from_there(tmp_path):
    process = start(*tiny("samples=50", "output=here"), cwd=tmp_path)
    answer = finish(process)
    assert (answer.status, answer.err) == (0, "")
    assert result_of(run_folder(tmp_path / "here"))["samples"] == 50
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_mistake_ends_a_process_with_one_line_and_status_two(tmp_path):
    answer = finish(start(*tiny("device=cuda", "output=here"), cwd=tmp_path, env={"CUDA_VISIBLE_DEVICES": ""}))
    assert answer.status == 2
    assert answer.sentence == "device=cuda: PyTorch finds no CUDA GPU here; take device=cpu or device=auto."
    assert answer.out == ""


# Mistakes


@pytest.mark.parametrize(
    ("overrides", "mend"),
    [
        (["sampels=3"], "sampels=3: there is no field sampels; did you mean samples?"),
        (["+sampels=3"], "did you mean samples?"),
        (["model.hiden=[3]"], "did you mean model.hidden?"),
        (["data.tets_per_letter=3"], "did you mean data.test_per_letter?"),
        (["xyzzy=3"], "--help lists every field"),
        (["model=tree_layer"], "there is no model tree_layer; did you mean three_layer?"),
        (["rule=gradent"], "did you mean gradient?"),
        (["data=emnits"], "did you mean emnist?"),
        (["optimizer=vanila"], "did you mean vanilla?"),
        (["launcher=slurm"], "there is no launcher slurm; did you mean slurm_"),
        (["launcher=xyzzy"], "choose one of local, slurm_cpu, slurm_gpu"),
        (["experiment=paper/fig9"], "did you mean paper/fig"),
        (["experiment=xyzzy"], "choose one of paper/fig7, paper/fig8"),
        (["order=shufled"], "did you mean shuffled?"),
        (["dtype=float16"], "must be one of float32, float64"),
        (["data=null"], "choose one of synthetic, emnist, images"),
        (["~model"], "a run needs its model; choose one of two_layer, three_layer, four_layer"),
        (["samples=many"], "samples=many: must be a whole number."),
        (["samples=1.5"], "samples=1.5: must be a whole number, without point and exponent."),
        (["model.hidden=[a]"], "model.hidden=[a]: each value must be a whole number."),
        (["model.bias=perhaps"], "model.bias=perhaps: must be true or false."),
        (["model.hidden=null"], "not Optional"),
        (["learning_rate=fast"], "learning_rate=fast: must be a number"),
        (["learning_rate=-1"], "must be a finite number at least 0"),
        (["learning_rate=[0.1,0.2]"], "has 2 values for replicas=1"),
        (["evaluate_every=0"], "at least 1, or log"),
        (["model.temperature=0"], "must be a finite number greater than 0"),
        (["data.repetitions=2"], "data.repetitions: data=images has no such field; take data=synthetic."),
        (["data.path=/nowhere"], "/nowhere does not exist"),
        (["data.path=/nowhere.npz"], "/nowhere.npz"),
        (["data.path="], "needs data.path"),
        (["data.test_per_letter=6"], "too few"),
        (["learning_rate=[0.1"], "a bracket is not closed"),
        (["resume=/nowhere"], "resume=/nowhere is not a run folder: it does not exist."),
        (["resume=ture"], "is not a run folder: it does not exist."),
        (["resume=null"], "not Optional"),
        (["hydra.surprise=1"], "surprise"),
        (["--config-name=other"], "other"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_mistake_gets_one_sentence_and_status_two(tmp_path, overrides, mend):
    answer = command(*tiny(f"output={tmp_path / 'out'}", *overrides))
    assert answer.status == 2
    assert mend in answer.sentence
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert not (tmp_path / "out").exists()


def test_a_sweep_into_a_file_gets_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    answer = command("-m", "seed=1,2", *tiny(f"output={tmp_path / 'file'}"))
    assert answer.status == 2
    assert "can't be used (Not a directory)" in answer.sentence


def test_a_setting_beside_resume_is_refused_where_the_folder_decides_it(tmp_path):
    command(*tiny(f"output={tmp_path}"))
    folder = run_folder(tmp_path)
    for override in ("learning_rate=3", "output=elsewhere", "model=two_layer"):
        answer = command(f"resume={folder}", override)
        assert answer.status == 2
        assert answer.sentence == f"{override}: resume={folder} takes its settings from that folder; leave it out."
    assert command(f"resume={folder}", "threads=1", "force=true").status == 0
    assert command("-m", "launcher=local", "hydra.launcher.n_jobs=1", f"resume={folder}").status == 0


def test_nobody_to_read_what_it_prints_is_no_traceback(tmp_path, monkeypatch):
    def closed(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("letterocr.run.terminal.Terminal._print", closed)
    monkeypatch.setattr("os.dup2", lambda *_: None)
    answer = command(*tiny(f"output={tmp_path}"))
    assert (answer.status, answer.err) == (128 + 13, "")
