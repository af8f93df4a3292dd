"""Optimizers of torch.optim by name: against PyTorch's own module, autograd and optimizer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers import make_engine, random_split

from letterocr.base.errors import UserError
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.torch import TorchConfig

SPLIT = random_split()
NAMES = ["Adam", "AdamW", "SGD", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop", "ASGD"]


def built(config: TorchConfig, **fields: Any) -> Any:
    return make_engine(SPLIT, ChainConfig(hidden=[7], init_scale=1.0), optimizer=config, **fields)


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("name", NAMES)
def test_equals_pytorch(name: str, batch: int) -> None:
    engine = built(TorchConfig(name=name), rate=0.01, batch=str(batch), order="cyclic", schedule="linear", samples=30)
    w = [x[0].clone().requires_grad_() for x in engine.network.weights]
    b = [x[0].clone().requires_grad_() for x in engine.network.biases]
    optimizer = getattr(torch.optim, name)([w[0], w[1], b[0], b[1]], lr=0.01)
    images, targets = SPLIT.train.images.double(), torch.eye(26).double()[SPLIT.train.labels]
    for start in range(0, 30, batch):
        optimizer.param_groups[0]["lr"] = 0.01 * (1 - start / 30)
        optimizer.zero_grad()
        h = images[start : start + batch]
        for weight, bias in zip(w, b, strict=True):
            h = torch.sigmoid(h @ weight.T + bias)
        (0.5 * (h - targets[start : start + batch]).square().sum(1)).mean().backward()
        optimizer.step()
    engine.advance(30)
    for k in range(2):
        torch.testing.assert_close(engine.network.weights[k][0], w[k].detach(), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(engine.network.biases[k][0], b[k].detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_has_the_same_bits(name: str) -> None:
    whole, cut, resumed = (built(TorchConfig(name=name), rate=0.01, dtype=torch.float32) for _ in range(3))
    whole.advance(20)
    cut.advance(8)
    resumed.load_state(8, {key: tensor.clone() for key, tensor in cut.state().items()})
    resumed.advance(12)
    assert all(torch.equal(tensor, resumed.state()[key]) for key, tensor in whole.state().items())


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        (TorchConfig(name="Adams"), ("optimizer.name=Adams", "did you mean Adam")),
        (TorchConfig(name="Optimizer"), ("optimizer.name=Optimizer", "take another")),
        (TorchConfig(name="LBFGS"), ("optimizer.name=LBFGS", "take another")),
        (TorchConfig(name="Adam", options={"momentum": 0.9}), ("momentum", "PyTorch refuses")),
        (TorchConfig(name="Adam", options={"betas": [2, 3]}), ("betas", "PyTorch refuses")),
    ],
)
def test_a_mistake_gets_one_sentence(config: TorchConfig, parts: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as caught:
        built(config)
    text = str(caught.value)
    assert "\n" not in text
    assert all(part in text for part in parts)


@pytest.mark.parametrize(("name", "fused"), [("Adam", True), ("SGD", True), ("RMSprop", None)])
def test_the_form_with_one_pass_is_taken_where_there_is_one(name: str, fused: bool | None) -> None:
    (group,) = built(TorchConfig(name=name)).optimizers[0].optimizer.param_groups
    assert group.get("fused") is fused


@pytest.mark.parametrize("form", ["fused", "foreach"])
def test_the_users_own_choice_of_a_form_is_kept(form: str) -> None:
    (group,) = built(TorchConfig(name="Adam", options={form: False})).optimizers[0].optimizer.param_groups
    assert not group["fused"]
