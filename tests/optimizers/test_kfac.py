"""Kronecker factors: their inverses against NumPy's, and the step against both factors written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import make_engine, narrow_split, one_sentence, random_split, small_config

from letterocr.base.errors import UserError
from letterocr.base.randomness import make_generator
from letterocr.config.check import check_config
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.optimizers.kfac import add_to_inverse


def test_join_is_the_inverse_with_more_outer_products() -> None:
    random = np.random.default_rng(0)
    a, x = random.normal(size=(7, 7)), random.normal(size=(2, 7))
    matrix = a @ a.T + np.eye(7)
    inverse = torch.from_numpy(np.linalg.inv(matrix))
    add_to_inverse(inverse, torch.from_numpy(x))
    np.testing.assert_allclose(inverse.numpy(), np.linalg.inv(matrix + x.T @ x), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(("bias", "factor"), [(False, 0.5), (True, 1.0)])
def test_the_step_is_the_gradient_between_both_inverse_means(bias: bool, factor: float) -> None:
    prior, damping, split = 3.0, 0.5, random_split()
    model = ChainConfig(hidden=[7], init_scale=1.0, bias=bias)
    config = KfacConfig(damping=damping, prior=prior)
    engine = make_engine(split, model, rate=0.1, optimizer=config, order="cyclic", loss_factor=factor, seed=4)
    weights = [w[0].numpy().copy() for w in engine.network.weights]
    biases = [np.zeros(len(w)) for w in weights]
    sums: dict[str, np.ndarray] = {}

    def learn(name: str, x: np.ndarray, i: int) -> np.ndarray:
        """The inverse of the factor's mean, with x."""
        n = len(x)
        sums.setdefault(name, prior * damping * (x @ x) / n * np.eye(n))
        sums[name] += np.outer(x, x) + damping * (x @ x) * np.outer(np.eye(n)[i % n], np.eye(n)[i % n])
        return np.linalg.inv(sums[name] / (prior + i + 1))

    for i in range(8):
        h = [split.train.images[i].double().numpy()]
        for w, b in zip(weights, biases, strict=True):
            h.append(1 / (1 + np.exp(-(w @ h[-1] + b))))
        slopes = [x * (1 - x) for x in h]
        noise = torch.randn(1, 26, generator=make_generator(4, "kfac", i), dtype=torch.float64)[0].numpy()

        def back(e: np.ndarray, slopes: list[np.ndarray] = slopes) -> list[np.ndarray]:
            v = e * slopes[2]
            return [weights[1].T @ v * slopes[1], v]

        v, u = back(2 * factor * (h[2] - np.eye(26)[split.train.labels[i]])), back(np.sqrt(2 * factor) * noise)
        for k in range(2):
            x = np.append(h[k], 1.0) if bias else h[k]
            step = learn(f"G{k}", u[k], i) @ np.outer(v[k], x) @ learn(f"A{k}", x, i)
            weights[k] = weights[k] - 0.1 * step[:, : len(h[k])]
            biases[k] = biases[k] - 0.1 * step[:, -1] * bias
    engine.advance(8)
    for k in range(2):
        scale = np.abs(weights[k]).max()
        np.testing.assert_allclose(engine.network.weights[k][0].numpy(), weights[k], rtol=0, atol=1e-9 * scale)


def test_the_outputs_factor_tends_to_the_gauss_newton_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    """For one linear matrix u u^T has the mean 2f 1, and A is the mean of h h^T: the exact Gauss-Newton matrix."""
    model = ChainConfig(name="two_layer", hidden=[], activation="linear", bias=False)
    split = narrow_split(monkeypatch, pixels=60)
    engine = make_engine(split, model, rate=0.0, optimizer=KfacConfig(damping=1e-3, prior=1.0))
    engine.advance(4000)
    g = np.linalg.inv(engine.optimizers[0].errors[0].numpy()) / 4000
    # the mean of 4,000 squares of deviation sqrt(2) is off by 2.2 %, of products by 1.6 %: five times that
    np.testing.assert_allclose(g, np.eye(26), rtol=0, atol=0.11)


# curvlinops has PyTorch compile TorchScript, which PyTorch deprecates
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is:FutureWarning")
def test_both_factors_are_those_of_curvlinops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of curvlinops' KFAC with the exact Fisher matrix; its loss is the sum |q - c|^2, of curvature 2, not 2f = 1."""
    from curvlinops import FisherType, KFACLinearOperator

    split, samples = narrow_split(monkeypatch, pixels=60, train=20), 4000
    engine = make_engine(
        split,
        ChainConfig(hidden=[7], init_scale=1.0),
        rate=0.0,
        optimizer=KfacConfig(damping=1e-3, prior=1.0),
        order="cyclic",
        samples=samples,
    )
    engine.advance(samples)
    optimizer, layers = engine.optimizers[0], []
    for weight, bias in zip(engine.network.weights, engine.network.biases, strict=True):
        layers += [torch.nn.Linear(weight.shape[2], weight.shape[1], dtype=torch.float64), torch.nn.Sigmoid()]
        layers[-2].weight.data, layers[-2].bias.data = weight[0].clone(), bias[0].clone()
    module = torch.nn.Sequential(*layers)
    data = [(split.train.images.double(), torch.eye(26, dtype=torch.float64)[split.train.labels])]
    loss = torch.nn.MSELoss(reduction="sum")
    parameters = list(module.parameters())
    theirs = KFACLinearOperator(
        module, loss, parameters, data, fisher_type=FisherType.TYPE2, separate_weight_and_bias=False
    )
    generator = torch.Generator().manual_seed(0)
    direction = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in parameters]
    expected = theirs @ direction
    for k in range(2):
        a, g = (torch.linalg.inv(x[k]) / samples for x in (optimizer.inputs, optimizer.errors))
        product = g @ torch.cat([direction[2 * k], direction[2 * k + 1].unsqueeze(1)], 1) @ a
        wanted = torch.cat([expected[2 * k], expected[2 * k + 1].unsqueeze(1)], 1) / (2 * len(data[0][0]))
        # G is a mean over drawn noise: of 4,000 draws in 26 outputs it is off by sqrt(26/4000), 8 % of its norm
        assert (product - wanted).norm() < 0.15 * wanted.norm()


def test_batches_are_refused() -> None:
    with pytest.raises(UserError) as caught:
        check_config(small_config(optimizer=KfacConfig(), batch="all"))
    one_sentence(caught.value, "batch=all", "kfac", "one sample at a time")
