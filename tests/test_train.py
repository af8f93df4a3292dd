"""The command: its presets, its help, its sweeps, and one sentence for every mistake."""

import functools
import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from tiny import command, finish, result_of, run_folder, start, tiny

from letterocr import train
from letterocr.base.errors import UserError
from letterocr.compose import registry
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.overrides import check_keys, list_keys, put_overrides_first
from letterocr.compose.presets import find_conf_folder
from letterocr.compose.stored_config import read_config
from letterocr.config.model.chain import ChainConfig
from letterocr.config.train import TrainConfig

SCHEMAS = [TrainConfig, ChainConfig] + [
    entry.schema for entries in registry.GROUPS.values() for entry in entries.values() if entry.schema
]


def composed(*overrides: str):
    """The resolved config of a command."""
    answer = command(*overrides, "--cfg", "job", "--resolve")
    assert answer.status == 0, answer.err
    return OmegaConf.create(answer.out)


# Presets


@pytest.mark.parametrize(
    ("experiment", "model", "hidden"), [("fig7", "three_layer", [1800]), ("fig8", "four_layer", [1800, 1800])]
)
def test_the_papers_presets_have_the_papers_numbers(experiment, model, hidden):
    config = composed(f"experiment=paper/{experiment}")
    assert config.rule == "printed"
    assert config.learning_rate == 0.02
    assert config.model.temperature == 150
    assert config.model.name == model
    assert config.model.hidden == hidden
    assert config.model.activation == "sigmoid"
    assert config.samples == 20_000
    assert 26 * config.data.test_per_letter == 520
    assert config.evaluate_every == "1"


@pytest.mark.parametrize("source", ["synthetic", "emnist", "images"])
def test_the_presets_take_every_source(source):
    config = composed("experiment=paper/fig7", f"data={source}")
    assert config.data.name == source
    assert 26 * config.data.test_per_letter == 520


@pytest.mark.parametrize("rule", ["printed", "eq18", "gradient"])
def test_the_two_layer_network_has_its_own_learning_rate(rule):
    two, three = (composed(f"model={model}", f"rule={rule}") for model in ("two_layer", "three_layer"))
    assert two.learning_rate == 0.0005
    assert three.learning_rate in (0.02, 0.05)
    assert two.model.hidden == []
    assert two.model.activation == "linear"
    assert composed("experiment=paper/fig7", "model=two_layer").learning_rate == 0.0005


def test_a_given_learning_rate_and_temperature_win_over_every_preset():
    config = composed("experiment=paper/fig7", "model=two_layer", "learning_rate=0.3", "model.temperature=7")
    assert (config.learning_rate, config.model.temperature) == (0.3, 7)


@pytest.mark.parametrize(("rule", "temperature", "rate"), [("printed", 150, 0.02), ("gradient", 1, 0.05)])
def test_a_rule_brings_the_temperature_and_learning_rate_at_which_it_learns(rule, temperature, rate):
    config = composed(f"rule={rule}")
    assert (config.model.temperature, config.learning_rate) == (temperature, rate)


@pytest.mark.parametrize("group", list(registry.GROUPS))
def test_each_choice_of_the_registry_has_its_file_and_composes(group):
    files = {path.stem for path in (find_conf_folder() / group).glob("*.yaml")}
    assert files == set(registry.GROUPS[group])
    for name in files:
        config = composed(f"{group}={name}")
        own = "Adam" if name == "torch" else name  # PyTorch's own name
        assert (config[group] if group == "rule" else config[group].name) == own


@pytest.mark.parametrize("launcher", ["local", "slurm_cpu", "slurm_gpu"])
def test_a_launcher_preset_gives_each_run_its_cores(launcher):
    assert command(f"launcher={launcher}", "--cfg", "hydra", "-p", "hydra.mode").out.strip().endswith("MULTIRUN")
    assert composed(f"launcher={launcher}").threads == (4 if launcher == "slurm_gpu" else 1)
    assert composed(f"launcher={launcher}", "threads=3").threads == 3
    if launcher != "local":
        hydra = command(f"launcher={launcher}", "threads=3", "--cfg", "all", "-p", "hydra.launcher", "--resolve").out
        assert "cpus_per_task: 3" in hydra
        assert "requeue: true" in hydra
    assert (composed(f"launcher={launcher}").replicas > 1) == (launcher == "slurm_gpu")


# Help


def printed_help(*arguments: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train", *arguments])
        train.main()
    return out.getvalue()


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: s.__name__)
def test_every_field_is_explained_in_one_line(schema):
    for f in fields(schema):
        line = f.metadata["help"]
        assert line, f.name
        assert "\n" not in line
        assert "runtime" in f.metadata


def test_help_lists_every_field_and_every_choice():
    text = printed_help("--help")
    lines = text.splitlines()
    for schema, prefix in [(TrainConfig, ""), (ChainConfig, "model.")]:
        assert_listed(schema, prefix, lines)
    for group, entries in registry.GROUPS.items():
        for name, entry in entries.items():
            assert any(line.split()[:1] == [name] and entry.line in line and entry.source in line for line in lines)
            if entry.schema:
                assert_listed(entry.schema, f"{group}.", lines)
    assert "paper/fig7, paper/fig8" in text
    launchers = {path.stem for path in (find_conf_folder() / "launcher").glob("*.yaml")}
    assert launchers == {line.split()[0] for line in lines if "joblib: as many" in line or "SLURM through" in line}
    assert printed_help("model=two_layer", "-h") == text


def assert_listed(schema: type, prefix: str, lines: list[str]) -> None:
    for f in fields(schema):
        if prefix + f.name in registry.GROUPS or f.name == "name":
            continue
        rows = [line for line in lines if line.split()[:1] == [prefix + f.name] and f.metadata["help"] in line]
        assert rows, prefix + f.name
        assert all(choice in row for row in rows for choice in f.metadata.get("choices", ()))


def test_help_is_quick_it_imports_nothing_heavy(tmp_path):
    code = (
        "import sys, json\nsys.argv = ['train', '--help']\n"
        "from letterocr.train import main\nmain()\nprint(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    modules = {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}
    heavy = {"torch", "matplotlib", "tensorboard", "hydra", "omegaconf", "numpy", "rich", "pyarrow", "PIL", "scipy"}
    assert not modules & heavy


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
    names = sorted(runs.Runs())
    assert [name.split("-")[0] for name in names] == ["three_layer", "two_layer"]
    assert all("error/test" in runs.Runs()[name]["scalars"] for name in names)


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
        (["samples=many"], "'many' of type 'str' could not be converted to Integer"),
        (["samples=1.5"], "could not be converted to Integer"),
        (["model.hidden=[a]"], "could not be converted to Integer"),
        (["model.bias=perhaps"], "is not a valid bool"),
        (["model.hidden=null"], "not Optional"),
        (["learning_rate=fast"], "learning_rate=fast: must be a number"),
        (["learning_rate=-1"], "must be a finite number at least 0"),
        (["learning_rate=[0.1,0.2]"], "has 2 values for replicas=1"),
        (["evaluate_every=0"], "at least 1, or log"),
        (["model.temperature=0"], "must be a finite number greater than 0"),
        (["data.repetitions=2"], "Key 'repetitions' not in 'ImagesConfig'"),
        (["data.path=/nowhere"], "/nowhere does not exist"),
        (["data.path=/nowhere.npz"], "/nowhere.npz"),
        (["data.path="], "needs data.path"),
        (["data.test_per_letter=6"], "too few"),
        (["samples"], "missing EQUAL"),
        (["learning_rate=[0.1"], "[0.1"),
        (["resume=/nowhere"], "/nowhere is no run folder"),
        (["resume=ture"], "ture is no run folder"),
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


# Parts


def test_overrides_may_stand_on_both_sides_of_an_option():
    assert put_overrides_first(["a=1", "-m", "b=2", "~c", "--config-dir=x", "--cfg", "job"]) == [
        *["a=1", "b=2", "~c"],
        *["-m", "--config-dir=x", "--cfg", "job"],
    ]


@pytest.mark.parametrize("given", ["optimizer.options={amsgrad:true}", "optimizer.options.amsgrad=true"])
def test_arguments_of_pytorchs_optimizers_need_no_plus(given):
    config = composed("optimizer=torch", "optimizer.name=Adam", given)
    assert config.optimizer.options == {"amsgrad": True}
    assert compose_config(["optimizer=torch", "optimizer.name=Adam", given]).optimizer.options == {"amsgrad": True}


@pytest.mark.parametrize(
    "override",
    ["model=two_layer,three_layer", "model=glob(*)", "model=choice(two_layer,three_layer)", "experiment=null"],
)
def test_what_hydra_reads_itself_is_left_to_it(override):
    check_keys([override, "hydra.sweep.dir=x", "-m", "--cfg", "job", "learning_rate=range(1,3)"])


@pytest.mark.parametrize("override", ["model=two_layer,three_layr", "rule=printd,eq18"])
def test_every_choice_of_a_sweep_is_checked_before_the_first_run(override):
    with pytest.raises(UserError, match="did you mean"):
        check_keys([override])


def test_the_keys_are_those_of_the_schema():
    keys = list_keys()
    assert {"samples", "model", "model.hidden", "data.path", "data.repetitions", "experiment"} <= keys
    assert all(is_dataclass(schema) for schema in SCHEMAS)
    assert Path(find_conf_folder(), "config.yaml").is_file()
