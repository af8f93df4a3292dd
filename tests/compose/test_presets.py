"""The presets have the paper's numbers, and every choice composes."""

import pytest
from tiny import command, composed

from letterocr.compose import registry
from letterocr.compose.presets import find_conf_folder


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
