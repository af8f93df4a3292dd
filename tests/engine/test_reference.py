"""The plain engine against PyTorch's own SGD, against a NumPy loop, and against itself cut differently."""

import numpy as np
import pytest
import torch
from helpers import make_engine, random_split
from torch import Tensor
from torch.nn.functional import one_hot

from letterocr.config.model.chain import ChainConfig
from letterocr.engine import reference
from letterocr.engine.records import Records
from letterocr.engine.reference import ReferenceEngine

SPLIT = random_split()
# Of 200 samples those at which 100 log10 n passes a whole number: n^100 has a digit more. Up to 43 that is each.
LOG_SPACED = [*range(1, 44), *(n for n in range(44, 201) if len(str(n**100)) > len(str((n - 1) ** 100)))]
MODELS = {
    "two_layer": ChainConfig(hidden=[], activation="linear", init_scale=1.0, init_bias="random"),
    "three_layer": ChainConfig(hidden=[7], init_scale=1.0, init_bias="random"),
    "four_layer": ChainConfig(hidden=[7, 5], init_scale=1.0, temperature=2.0),
    "no bias": ChainConfig(hidden=[7], init_scale=1.0, bias=False),
}
RATES = {"two_layer": 0.002, "three_layer": 0.3, "four_layer": 3.0, "no bias": 0.3}


def state_of(engine: ReferenceEngine) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in engine.state().items()}


def assert_same_bits(one: ReferenceEngine, other: ReferenceEngine) -> None:
    assert one.sample == other.sample
    assert one.state().keys() == other.state().keys()
    assert all(torch.equal(tensor, other.state()[name]) for name, tensor in one.state().items())


def joined(*parts: Records) -> Records:
    return Records(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("loss", "wrong", "test_error")))


def assert_same_records(one: Records, other: Records) -> None:
    for name in ("loss", "wrong", "test_error"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


class Divided(torch.nn.Module):
    """The sigmoid with the paper's temperature (15)."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x / self.temperature)


def torch_network(engine: ReferenceEngine) -> torch.nn.Sequential:
    """The engine's first replica as PyTorch modules, with copies of its weights."""
    layers: list[torch.nn.Module] = []
    network = engine.network.replica(0)
    for w, b in zip(network.weights, network.biases, strict=True):
        layer = torch.nn.Linear(w.shape[1], w.shape[0], bias=b is not None, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(w)
            if b is not None:
                layer.bias.copy_(b)
        layers.append(layer)
        if network.temperature is not None:
            layers.append(Divided(network.temperature.item()))
    return torch.nn.Sequential(*layers)


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("loss_factor", [0.5, 1.0])
def test_the_gradient_rule_is_pytorchs_sgd(name, loss_factor):
    engine = make_engine(SPLIT, MODELS[name], rate=RATES[name], loss_factor=loss_factor)
    network = torch_network(engine)
    sgd = torch.optim.SGD(network.parameters(), lr=RATES[name])
    train, test = SPLIT.train, SPLIT.test
    losses, wrong, errors = [], [], []
    for p in engine.orders[0].indices(0, 200).tolist():
        output = network(train.images[p].double())
        loss = loss_factor * ((output - one_hot(train.labels[p], 26)) ** 2).sum()
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        losses.append(loss.item())
        wrong.append(output.argmax().item() != train.labels[p].item())
        errors.append((network(test.images.double()).argmax(1) != test.labels).sum().item() / len(test))
    records = engine.advance(200)
    np.testing.assert_allclose(records.loss[:, 0], losses, rtol=1e-9)
    assert records.wrong[:, 0].tolist() == wrong
    assert records.test_error[:, 0].tolist() == errors
    assert len(set(errors)) > 3  # it learned: the comparison means something
    for name, parameter in network.named_parameters():
        kind, k = name.split(".")[1], int(name.split(".")[0])
        layer = k if engine.network.temperature is None else k // 2
        torch.testing.assert_close(engine.state()[f"{kind}.{layer}"][0], parameter.data, rtol=1e-9, atol=1e-11)


def numpy_training(
    engine: ReferenceEngine, rule: str, rate: float, samples: int
) -> tuple[list[np.ndarray], list[float]]:
    """(16-20), as the table of the rules says, letter after letter: the weights and the losses."""
    network = engine.network.replica(0)
    weights = [w.numpy().copy() for w in network.weights]
    biases = [np.zeros(len(w)) if b is None else b.numpy().copy() for w, b in zip(weights, network.biases, strict=True)]
    t = None if network.temperature is None else network.temperature.item()
    losses = []
    for p in engine.orders[0].indices(0, samples).tolist():
        layers = [SPLIT.train.images[p].double().numpy()]
        for w, b in zip(weights, biases, strict=True):
            x = w @ layers[-1] + b
            layers.append(x if t is None else 1 / (1 + np.exp(-x / t)))
        slopes = [np.ones_like(h) if t is None else h * (1 - h) / t for h in layers]
        error = layers[-1] - np.eye(26)[SPLIT.train.labels[p]]
        losses.append(0.5 * error @ error)
        v = error * slopes[-1] if rule == "gradient" else error
        for k in reversed(range(len(weights))):
            back = weights[k].T @ v
            weights[k] -= rate * np.outer(v, layers[k])
            if network.biases[k] is not None:
                biases[k] -= rate * v
            v = back if rule == "printed" else back * slopes[k]
    return weights, losses


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("rule", ["printed", "eq18", "gradient"])
def test_every_rule_on_every_network_is_a_numpy_loop(name, rule):
    rate = RATES[name] if rule == "gradient" or name == "two_layer" else 0.02
    engine = make_engine(SPLIT, MODELS[name], rule=rule, rate=rate)
    weights, losses = numpy_training(engine, rule, rate, 60)
    records = engine.advance(60)
    np.testing.assert_allclose(records.loss[:, 0], losses, rtol=1e-9)
    for got, right in zip(engine.network.weights, weights, strict=True):
        np.testing.assert_allclose(got[0].numpy(), right, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("every", ["1", "7", "100", "log"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
def test_the_test_outputs_are_those_of_a_fresh_forward_pass(every, dtype, tolerance):
    engine = make_engine(SPLIT, MODELS["three_layer"], rate=0.3, evaluate_every=every, dtype=dtype)
    engine.advance(150)
    w, b = engine.network.weights[0][0], engine.network.biases[0][0]
    fresh = engine.network.replica(0).forward(SPLIT.test.images.to(dtype))[-1]
    torch.testing.assert_close(engine.test_outputs(0), fresh, rtol=0, atol=tolerance)
    if engine.evaluation.follows:
        torch.testing.assert_close(engine.test_first[0], SPLIT.test.images.to(dtype) @ w.T + b, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("every", "places"),
    [("7", [*range(7, 200, 7), 200]), ("100", [100, 200]), ("log", LOG_SPACED)],
    ids=["7", "100", "log"],
)
def test_measuring_less_often_gives_the_same_errors_where_measured(every, places):
    always = make_engine(SPLIT, MODELS["three_layer"], rate=0.3).advance(200)
    seldom = make_engine(SPLIT, MODELS["three_layer"], rate=0.3, evaluate_every=every).advance(200)
    there = ~np.isnan(seldom.test_error)
    assert not np.isnan(always.test_error).any()
    assert (np.flatnonzero(there) + 1).tolist() == places
    np.testing.assert_array_equal(seldom.test_error[there], always.test_error[there])
    np.testing.assert_array_equal(seldom.loss, always.loss)


def test_the_error_before_the_first_update_is_that_of_the_first_weights():
    engine = make_engine(SPLIT, MODELS["three_layer"], replicas=2)
    test = SPLIT.test
    for r in range(2):
        q = engine.network.replica(r).forward(test.images.double())[-1]
        assert engine.test_error()[r].item() == (q.argmax(1) != test.labels).sum().item() / len(test)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("every", ["1", "100"])
def test_ten_samples_are_three_and_seven(dtype, every):
    whole, cut = (make_engine(SPLIT, MODELS["three_layer"], evaluate_every=every, dtype=dtype) for _ in range(2))
    assert_same_records(whole.advance(10), joined(cut.advance(3), cut.advance(7)))
    assert_same_bits(whole, cut)


@pytest.mark.parametrize("every", ["1", "100"])
def test_a_restored_engine_goes_on_with_the_same_bits(every):
    engine = make_engine(SPLIT, MODELS["four_layer"], replicas=2, evaluate_every=every, dtype=torch.float32)
    engine.advance(30)
    stored = state_of(engine)
    later = engine.advance(25)
    restored = make_engine(SPLIT, MODELS["four_layer"], replicas=2, evaluate_every=every, dtype=torch.float32)
    restored.load_state(30, stored)
    assert_same_records(restored.advance(25), later)
    assert_same_bits(restored, engine)


def test_a_restored_engine_leaves_the_stored_tensors_alone():
    engine = make_engine(SPLIT, MODELS["three_layer"])
    stored = state_of(engine)
    before = {name: tensor.clone() for name, tensor in stored.items()}
    engine.load_state(0, stored)
    engine.advance(5)
    assert all(torch.equal(before[name], tensor) for name, tensor in stored.items())


@pytest.mark.parametrize("hidden", [[], [16], [16, 32]], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_replicas_side_by_side_are_single_runs(hidden, dtype):
    """To the bit for widths of whole cache lines, as the paper's 1800: there every replica starts on one."""
    model = ChainConfig(hidden=hidden, init_scale=1.0, activation="sigmoid" if hidden else "linear")
    rate = 0.3 if hidden else 0.002
    together = make_engine(SPLIT, model, rate=rate, seed=5, replicas=3, dtype=dtype)
    records = together.advance(50)
    for r in range(3):
        alone = make_engine(SPLIT, model, rate=rate, seed=5 + r, dtype=dtype)
        assert_same_records(alone.advance(50), Records(*(x[:, r : r + 1] for x in vars(records).values())))
        assert all(torch.equal(t[0], together.network.state()[n][r]) for n, t in alone.network.state().items())


def test_replicas_of_odd_widths_are_single_runs_up_to_rounding():
    model = MODELS["four_layer"]
    together = make_engine(SPLIT, model, seed=5, replicas=3)
    records = together.advance(50)
    for r in range(3):
        single = make_engine(SPLIT, model, seed=5 + r).advance(50)
        np.testing.assert_allclose(single.loss[:, 0], records.loss[:, r], rtol=1e-12)


def test_the_test_letters_are_computed_anew_at_every_refresh(monkeypatch):
    monkeypatch.setattr(reference, "REFRESH", 8)
    engine = make_engine(SPLIT, MODELS["three_layer"], rate=0.3, dtype=torch.float32)
    engine.advance(16)
    w, b = engine.network.weights[0][0], engine.network.biases[0][0]
    assert torch.equal(engine.test_first[0], SPLIT.test.images @ w.T + b)


def test_a_refresh_changes_no_error_and_no_bit_of_the_weights(monkeypatch):
    often, never = (make_engine(SPLIT, MODELS["three_layer"], rate=0.3) for _ in range(2))
    without = never.advance(50)
    monkeypatch.setattr(reference, "REFRESH", 8)
    assert_same_records(often.advance(50), without)
    assert all(torch.equal(often.state()[n], t) for n, t in never.network.state().items())


def test_a_run_cut_beside_a_refresh_has_the_same_bits(monkeypatch):
    monkeypatch.setattr(reference, "REFRESH", 8)
    whole, cut = (make_engine(SPLIT, MODELS["three_layer"], dtype=torch.float32) for _ in range(2))
    whole.advance(20)
    for count in (7, 1, 1, 7, 4):
        cut.advance(count)
    assert_same_bits(whole, cut)


def test_the_correct_outputs_are_unit_vectors():
    c = make_engine(SPLIT, MODELS["three_layer"], dtype=torch.float32).targets
    assert c.dtype == torch.float32
    assert c.shape == (40, 26)
    assert c.nonzero().tolist() == [[n, label] for n, label in enumerate(SPLIT.train.labels.tolist())]
    assert c.sum() == 40


def test_letters_of_the_split_are_not_changed():
    images = SPLIT.train.images.clone()
    make_engine(SPLIT, MODELS["three_layer"], dtype=torch.float32).advance(20)
    assert torch.equal(SPLIT.train.images, images)
