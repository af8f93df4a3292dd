"""Other ways to train networks one sample at a time on a GPU, for `bench_gpu.py`.

All train R networks 900-...-classes by the gradient rule in batches of one, in float32 on CUDA; with `error` they also
measure the error on the test letters after every sample. Not run on a GPU yet.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from peers import RATE, Peer

from letterocr.data.letters import Split

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX leaves memory for PyTorch
CAPTURED = 64  # samples in a CUDA graph


def autograd(hidden: list[int], split: Split, error: bool, replicas: int) -> Peer:
    """Train one network with PyTorch's autograd and optim.SGD."""
    sizes = [900, *hidden, split.train.classes]
    layers: list[torch.nn.Module] = []
    for fan_in, out in pairwise(sizes):
        layers += [torch.nn.Linear(fan_in, out), torch.nn.Sigmoid()]
    model = torch.nn.Sequential(*layers).cuda()
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    images, labels = split.train.images.cuda(), split.train.labels.cuda()
    targets = torch.nn.functional.one_hot(labels, split.train.classes).float()
    test, truth = split.test.images.cuda(), split.test.labels.cuda()

    def train(count: int) -> None:
        for i in range(count):
            optimizer.zero_grad()
            p = i % len(targets)
            ((model(images[p : p + 1]) - targets[p]) ** 2).sum().mul(0.5).backward()
            optimizer.step()
            if error:
                with torch.no_grad():
                    (model(test).argmax(1) != truth).float().mean()
        torch.cuda.synchronize()

    return train


@torch.no_grad()
def by_hand_graph(hidden: list[int], split: Split, error: bool, replicas: int) -> Peer:
    """Train R networks with hand-written backpropagation; 64 samples are one CUDA graph."""
    sizes = [900, *hidden, split.train.classes]
    weights = [torch.randn(replicas, o, i, device="cuda") / i**0.5 for i, o in pairwise(sizes)]
    biases = [torch.zeros(replicas, o, device="cuda") for o in sizes[1:]]
    images, labels = split.train.images.cuda(), split.train.labels.cuda()
    targets = torch.nn.functional.one_hot(labels, split.train.classes).float()
    test, truth = split.test.images.cuda(), split.test.labels.cuda()
    places = torch.zeros(CAPTURED, dtype=torch.long, device="cuda")
    counts = torch.zeros(CAPTURED, replicas, device="cuda")

    def learn() -> None:
        for i in range(CAPTURED):
            activations = [images[places[i]].expand(replicas, 1, -1)]
            for w, b in zip(weights, biases, strict=True):
                activations.append(torch.baddbmm(b[:, None], activations[-1], w.mT).sigmoid_())
            v = activations[-1] - targets[places[i]]
            for k in range(len(weights) - 1, -1, -1):
                h = activations[k + 1]
                v = v * h * (1 - h)
                below = v @ weights[k] if k else v
                weights[k].baddbmm_(v.mT, activations[k], alpha=-RATE)
                biases[k].sub_(v[:, 0], alpha=RATE)
                v = below
            if error:
                h = test.expand(replicas, -1, -1)
                for w, b in zip(weights, biases, strict=True):
                    h = torch.baddbmm(b[:, None], h, w.mT).sigmoid_()
                counts[i] = (h.argmax(-1) != truth).float().mean(-1)

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        learn()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        learn()

    def train(count: int) -> None:
        for i in range(0, count, CAPTURED):
            places.copy_(torch.arange(i, i + CAPTURED) % len(targets))
            graph.replay()
        torch.cuda.synchronize()

    return train


def jax_with(precision: str) -> Callable[[list[int], Split, bool, int], Peer]:
    """Return a function that makes a JAX scan over the samples, with vmap over R networks.

    Args:
        precision: `highest` for true float32, `default` for JAX as it comes (TF32 on these GPUs).
    """

    def make(hidden: list[int], split: Split, error: bool, replicas: int) -> Peer:
        import jax
        import jax.numpy as jnp

        sizes = [900, *hidden, split.train.classes]
        random = np.random.default_rng(0)
        start = [
            (jnp.asarray(random.normal(size=(1, o, i)).astype("f4") / i**0.5), jnp.zeros((1, o), "f4"))
            for i, o in pairwise(sizes)
        ]
        state = [jax.tree.map(lambda x: jnp.repeat(x, replicas, 0), start)]
        images = jnp.asarray(split.train.images.numpy())
        targets = jax.nn.one_hot(split.train.labels.numpy(), sizes[-1])
        test, labels = jnp.asarray(split.test.images.numpy()), jnp.asarray(split.test.labels.numpy())

        def forward(parameters: Any, a: Any) -> Any:
            for w, b in parameters:
                a = jax.nn.sigmoid(a @ w.T + b)
            return a

        def step(parameters: Any, p: Any) -> Any:
            gradient = jax.grad(lambda q: 0.5 * ((forward(q, images[p]) - targets[p]) ** 2).sum())(parameters)
            parameters = jax.tree.map(lambda x, g: x - RATE * g, parameters, gradient)
            return parameters, (forward(parameters, test).argmax(1) != labels).mean() if error else 0.0

        def scan(parameters: Any, order: Any) -> Any:
            return jax.lax.scan(jax.vmap(step, (0, None)), parameters, order)

        compiled = jax.jit(scan, donate_argnums=0)

        def train(count: int) -> None:
            with jax.default_matmul_precision(precision):
                state[0], errors = compiled(state[0], jnp.arange(count) % len(images))
            jax.block_until_ready((state[0], errors))

        return train

    return make
