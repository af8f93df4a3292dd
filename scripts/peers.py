"""Other ways to train one sample at a time, for `bench.py`: each function returns one that trains n samples.

All train networks 900-...-classes by the gradient rule in batches of one, in float32 on the CPU; with `error` they also
measure the error on the test letters after every sample.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from letterocr.data.letters import Split

RATE = 0.0005
Peer = Callable[[int], Any]  # trains that many samples, and returns when they are done


def torch_autograd(hidden: list[int], split: Split, error: bool) -> Peer:
    """Train with PyTorch: a module, autograd and optim.SGD, in batches of one."""
    sizes = [900, *hidden, split.train.classes]
    layers: list[torch.nn.Module] = []
    for fan_in, out in pairwise(sizes):
        layers += [torch.nn.Linear(fan_in, out), torch.nn.Sigmoid() if hidden else torch.nn.Identity()]
    model = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    targets = torch.nn.functional.one_hot(split.train.labels, split.train.classes).float()

    def train(count: int) -> None:
        for i in range(count):
            optimizer.zero_grad()
            p = i % len(targets)
            ((model(split.train.images[p : p + 1]) - targets[p]) ** 2).sum().mul(0.5).backward()
            optimizer.step()
            if error:
                with torch.no_grad():
                    (model(split.test.images).argmax(1) != split.test.labels).float().mean()

    return train


@torch.no_grad()
def torch_by_hand(hidden: list[int], split: Split, error: bool) -> Peer:
    """Train with hand-written backpropagation and rank-one updates in place."""
    sizes = [900, *hidden, split.train.classes]
    weights = [torch.randn(o, i) / i**0.5 for i, o in pairwise(sizes)]
    biases = [torch.zeros(o) for o in sizes[1:]]
    targets = torch.nn.functional.one_hot(split.train.labels, split.train.classes).float()

    def squash(x: torch.Tensor) -> torch.Tensor:
        return x.sigmoid_() if hidden else x

    @torch.no_grad()
    def train(count: int) -> None:
        for i in range(count):
            p = i % len(targets)
            activations = [split.train.images[p]]
            for w, b in zip(weights, biases, strict=True):
                activations.append(squash(torch.addmv(b, w, activations[-1])))
            v = activations[-1] - targets[p]
            for k in range(len(weights) - 1, -1, -1):
                h = activations[k + 1]
                v = v * h * (1 - h) if hidden else v
                below = weights[k].T.mv(v) if k else v
                weights[k].addr_(v, activations[k], alpha=-RATE)
                biases[k].add_(v, alpha=-RATE)
                v = below
            if error:
                h = split.test.images
                for w, b in zip(weights, biases, strict=True):
                    h = squash(torch.addmm(b, h, w.T))
                (h.argmax(1) != split.test.labels).float().mean()

    return train


def jax_scan(hidden: list[int], split: Split, error: bool) -> Peer:
    """Train with JAX: the whole run is one compiled scan over the samples."""
    import jax
    import jax.numpy as jnp

    sizes = [900, *hidden, split.train.classes]
    random = np.random.default_rng(0)
    pairs = pairwise(sizes)
    start = [(random.normal(size=(o, i)).astype("f4") / i**0.5, np.zeros(o, "f4")) for i, o in pairs]
    images, targets = jnp.asarray(split.train.images.numpy()), jax.nn.one_hot(split.train.labels.numpy(), sizes[-1])
    test, labels = jnp.asarray(split.test.images.numpy()), jnp.asarray(split.test.labels.numpy())
    squash = jax.nn.sigmoid if hidden else (lambda x: x)

    def forward(parameters: Any, a: Any) -> Any:
        for w, b in parameters:
            a = squash(a @ w.T + b)
        return a

    def step(parameters: Any, p: Any) -> Any:
        gradient = jax.grad(lambda q: 0.5 * ((forward(q, images[p]) - targets[p]) ** 2).sum())(parameters)
        parameters = jax.tree.map(lambda x, g: x - RATE * g, parameters, gradient)
        return parameters, (forward(parameters, test).argmax(1) != labels).mean() if error else 0.0

    scan = jax.jit(lambda parameters, order: jax.lax.scan(step, parameters, order), donate_argnums=0)
    state = [jax.tree.map(jnp.asarray, start)]

    def train(count: int) -> None:
        state[0], errors = scan(state[0], jnp.arange(count) % len(images))
        jax.block_until_ready((state[0], errors))

    return train


def sklearn_partial_fit(hidden: list[int], split: Split, error: bool) -> Peer:
    """Train with scikit-learn's MLPClassifier, partial_fit with one sample (its loss is the cross-entropy)."""
    from sklearn.neural_network import MLPClassifier

    settings = {"activation": "logistic", "solver": "sgd", "learning_rate_init": RATE, "momentum": 0.0, "batch_size": 1}
    model = MLPClassifier(tuple(hidden), **settings)
    images, labels = split.train.images.numpy(), split.train.labels.numpy()
    model.partial_fit(images[:1], labels[:1], classes=np.arange(split.train.classes))

    def train(count: int) -> None:
        for i in range(count):
            p = i % len(labels)
            model.partial_fit(images[p : p + 1], labels[p : p + 1])
            if error:
                (model.predict(split.test.images.numpy()) != split.test.labels.numpy()).mean()

    return train
