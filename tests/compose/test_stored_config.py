"""Config files that runs stored before networks had a kind are read as what they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import one_sentence, small_config

from letterocr.base.errors import UserError
from letterocr.compose.stored_config import read_config
from letterocr.config.check import check_config
from letterocr.config.data import ImagesConfig
from letterocr.config.identity import compute_identity
from letterocr.config.model.chain import ChainConfig
from letterocr.config.model.spectral import SpectralConfig
from letterocr.config.optimizer.torch import TorchConfig
from letterocr.run.folder import write_config

REST = """rule: gradient
learning_rate: 0.3
schedule: constant
loss_factor: 0.5
samples: 20000
batch: '1'
order: shuffled
replicas: 1
evaluate_every: log
seed: 0
dtype: float32
device: auto
engine: auto
block: 0
threads: 0
output: runs
resume: 'false'
force: false
checkpoint_seconds: 30.0
diagnostics: none
tensorboard: true
"""
# Written by the code of commit 7b812a8.
SPECTRAL = (
    """model:
  name: spectral
  hidden:
  - 20
  activation: sigmoid
  temperature: 1
  bias: true
  init_scale: 0.1
  init_bias: zero
data:
  name: synthetic
  train_per_letter: 200
  test_per_letter: 20
  repetitions: 1
  seed: 0
optimizer:
  name: vanilla
  momentum: 0.0
  weight_decay: 0.0
"""
    + REST
)
MINE = (
    """model:
  name: mine
  hidden:
  - 1800
  activation: sigmoid
  temperature: 1
  bias: true
  init_scale: 3.0
  init_bias: zero
data:
  name: images
  path: /letters/w.npz
  train_per_letter: null
  test_per_letter: 20
  seed: 0
optimizer:
  name: Adam
  options: {}
"""
    + REST
)


def test_a_network_of_that_name_was_spectral(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(SPECTRAL)
    config = read_config(tmp_path)
    assert config.model == SpectralConfig(temperature=1)
    check_config(config)
    assert compute_identity(config) == "f31033e3d324"  # as that commit has it for this file


def test_a_network_of_any_other_name_was_a_chain(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(MINE)
    config = read_config(tmp_path)
    assert config.model == ChainConfig(name="mine", temperature=1)
    assert config.data == ImagesConfig(path="/letters/w.npz")
    assert config.optimizer == TorchConfig("Adam")
    check_config(config)


@pytest.mark.parametrize(
    "model", [SpectralConfig(name="mine"), ChainConfig(name="spectral"), SpectralConfig(), ChainConfig()]
)
def test_the_kind_is_stored_and_the_name_is_free(tmp_path: Path, model: ChainConfig | SpectralConfig) -> None:
    config = small_config(model=model, output=str(tmp_path.parent))
    write_config(tmp_path, config)
    assert read_config(tmp_path) == config


def test_a_kind_that_there_is_not_gets_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(SPECTRAL.replace("  name: spectral\n", "  name: mine\n  kind: cubic\n"))
    with pytest.raises(UserError) as caught:
        read_config(tmp_path)
    one_sentence(caught.value, "config.yaml can't be read as a config", "cubic")
