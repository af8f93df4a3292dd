"""The configs of a sweep's runs are those that Hydra composes."""

import pickle

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf

from letterocr.compose.from_overrides import register_schema
from letterocr.compose.presets import find_conf_folder
from letterocr.sweep.loader import SweepLoader

RUNS = [
    [],
    ["seed=3", "learning_rate=0.01"],
    ["seed=3", "model=four_layer", "model.hidden=[30,20]"],
    ["rule=printed", "model.temperature=2.5", "seed=1"],
    ["model.temperature=2.5", "rule=printed"],
    ["optimizer=sgd", "optimizer.keep=0.25", "optimizer.mask=row"],
    ["experiment=paper/fig7", "samples=50"],
    ["optimizer=torch", "optimizer.name=Adam", "++optimizer.options.lr=0.1"],
    ["optimizer=torch", "optimizer.name=SGD", "++optimizer.options={momentum:0.5}"],
    ["data=images", "data.path='a b,c.npz'"],
    ["output=${oc.env:HOME}", "seed=4"],
    ["hydra.sweep.subdir=x", "seed=1"],
    ["hydra/job_logging=default", "seed=1"],
]
WRONG = [["sed=1"], ["seed=one"], ["model=five_layer"], ["seed=1", "seed"], ["optimizer.keep=0.5"]]


@pytest.fixture
def loaders():
    """Hydra's loader, ours, and the config of the sweep."""
    register_schema()
    with hydra.initialize_config_dir(str(find_conf_folder()), version_base="1.3"):
        config = hydra.compose("config", ["launcher=local"], return_hydra_config=True)
        own = GlobalHydra.instance().config_loader()
        yield own, SweepLoader(own), config


def test_every_run_has_the_config_that_hydra_gives_it(loaders):
    own, fast, sweep = loaders
    for run in RUNS + RUNS[::-1]:
        expected = OmegaConf.to_container(own.load_sweep_config(sweep, run))
        assert OmegaConf.to_container(fast.load_sweep_config(sweep, run)) == expected, run


def test_a_run_does_not_change_the_next(loaders):
    _, fast, sweep = loaders
    first = fast.load_sweep_config(sweep, ["seed=1"])
    first.seed, first.model.hidden = 7, [1]
    again = fast.load_sweep_config(sweep, ["learning_rate=0.5"])
    assert (again.seed, list(again.model.hidden)) == (0, [1800])


def test_files_are_read_once_for_each_choice_and_no_more_in_another_process(loaders, monkeypatch):
    own, fast, sweep = loaders
    for run in (["seed=1"], ["rule=printed", "seed=1"]):
        fast.load_sweep_config(sweep, run)
    sent = pickle.loads(pickle.dumps(fast))
    expected = OmegaConf.to_container(own.load_sweep_config(sweep, ["rule=printed", "seed=2"]))
    monkeypatch.setattr(type(own), "load_configuration", None)
    assert OmegaConf.to_container(sent.load_sweep_config(sweep, ["rule=printed", "seed=2"])) == expected


@pytest.mark.parametrize("run", WRONG, ids=" ".join)
def test_a_mistake_has_hydras_own_words(loaders, run):
    own, fast, sweep = loaders
    fast.load_sweep_config(sweep, [])
    with pytest.raises(HydraException) as expected:
        own.load_sweep_config(sweep, run)
    with pytest.raises(type(expected.value)) as found:
        fast.load_sweep_config(sweep, run)
    assert str(found.value) == str(expected.value)
