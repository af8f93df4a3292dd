"""Training episodes of the learned optimizers: small letter networks, with new weights and letters in each episode.

Every tensor has the dimension B of networks trained side by side. Gradients that the rule reads are detached, so that
no second derivatives are needed (Andrychowicz et al. 2016); the loss after each step is differentiable in the step.
Some of the networks are rescaled at random (Lv, Jiang, Li 2017).

The meta-loss is log f + CROSS_ENTROPY e, where f is the loss |q - c|^2 / 2 and e the cross-entropy of the softmax of
the last pre-activations. Without e, rules stop at outputs near 0, where f is 1/2 and flat.

Shapes: a [B, steps, n, pixels] the letters of each update, c [B, steps, n, classes]; E letters test each network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from letterocr.base.randomness import make_generator
from letterocr.config.rule import GRADIENT
from letterocr.data.letters import BOX, SIDE, Letters
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors, loss
from letterocr.optimizers.learned import learned, learned_factored, lstm
from letterocr.optimizers.learned.lstm import Memory, Parameters

WIDTHS = {False: (12, 16, 24, 32), True: (20, 32, 48, 64)}  # widths of the hidden layer; True: `factored`
INIT_SCALES = (1.5, 5.0)  # range of the initial weights' scale, log-uniform
TESTED = 52  # E, number of letters that test a network
CROSS_ENTROPY = 1.0  # weight of e in the meta-loss
RESCALED = {False: 0.25, True: 0.5}  # share of networks that are rescaled; True: `factored`
COARSE = 3  # the rule for each coordinate is trained on every third pixel of every third row


@dataclass
class Episode:
    """Networks, the letters of each of their updates, and the letters that test them.

    Attributes:
        network: B networks.
        images: [B, steps, n, pixels].
        targets: [B, steps, n, classes].
        test_images: [B, E, pixels].
        test_targets: [B, E, classes].
        scales: factors of each weight and bias, [B, out, in + 1] for each layer, for the rule for each coordinate.
        error_scales: factors of each error vector, [B, 1] for each layer, for the rule for the factors.
    """

    network: Network
    images: Tensor
    targets: Tensor
    test_images: Tensor
    test_targets: Tensor
    scales: list[Tensor]
    error_scales: list[Tensor]


def _draw_between(low: float, high: float, size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw log-uniform numbers between two bounds."""
    return torch.exp(math.log(low) + (math.log(high) - math.log(low)) * torch.rand(size, generator=generator))


def draw_episode(letters: Letters, seed: int, episode: int, *, replicas: int, steps: int, factored: bool) -> Episode:
    """Draw the networks and letters of an episode; they are different for each seed and number.

    Args:
        letters: the letters to draw from.
        seed: seed of the meta-training.
        episode: number of the episode.
        replicas: number B of networks.
        steps: number of updates.
        factored: True for the rule for the factors, with one letter in an update and all pixels; False for the rule
            for each coordinate, with 1 or 10 letters in an update and fewer pixels.
    """
    g = make_generator(seed, "meta", episode)
    width = WIDTHS[factored][int(torch.randint(len(WIDTHS[factored]), (1,), generator=g))]
    n = 1 if factored or torch.rand(1, generator=g) < 0.75 else 10
    images, margin = letters.images.view(-1, SIDE, SIDE), (SIDE - BOX) // 2
    if not factored:
        x, y = (margin + torch.randint(COARSE, (2,), generator=g)).tolist()
        images = images[:, x : SIDE - margin : COARSE, y : SIDE - margin : COARSE]
    images = images.flatten(1)
    sizes = [images.shape[1], width, letters.classes]
    deviation = _draw_between(*INIT_SCALES, (replicas, 1, 1), g)
    weights, biases, scales, error_scales = [], [], [], []
    rescaled = (torch.rand(replicas, 1, 1, generator=g) < RESCALED[factored]).float()
    for fan_in, out in pairwise(sizes):
        weights.append(torch.randn(replicas, out, fan_in, generator=g) * deviation / math.sqrt(fan_in))
        biases.append(torch.zeros(replicas, out))
        whole = _draw_between(0.3, 3.0, (replicas, 1, 1), g)
        scales.append((whole * _draw_between(0.5, 2.0, (replicas, out, fan_in + 1), g)) ** rescaled)
        error_scales.append(_draw_between(0.03, 30.0, (replicas, 1), g) ** rescaled[..., 0])
    places = torch.randint(len(letters), (replicas, steps * n + TESTED), generator=g)
    a, c = images[places], one_hot(letters.labels[places], letters.classes).float()
    cut = steps * n
    return Episode(
        Network(weights, list(biases), torch.ones(replicas, 1, 1)),
        a[:, :cut].unflatten(1, (steps, n)),
        c[:, :cut].unflatten(1, (steps, n)),
        a[:, cut:],
        c[:, cut:],
        scales,
        error_scales,
    )


class Optimizee:
    """The networks of an episode and the rule's memory, while the networks learn.

    Args:
        task: the episode.
        factored: whether the rule is that for the factors.
    """

    def __init__(self, task: Episode, factored: bool) -> None:
        self.task, self.network, self.done = task, task.network, 0
        self.descend = self._step_factors if factored else self._step_coordinates
        w = self.network.weights
        self.layers = [
            learned_factored.make_layer(m.new_zeros(m.shape[:2]), m.new_zeros(len(m), m.shape[2] + 1)) for m in w
        ]
        count = 0 if factored else sum(m.numel() + m[..., 0].numel() for m in w)
        self.memory: Memory = lstm.make_memory(count, learned.NETWORK.layers, w[0])

    def detach(self) -> None:
        """Cut the gradient's history of the weights and the memory: the next unroll begins."""
        n = self.network
        n.weights = [w.detach() for w in n.weights]
        n.biases = [None if b is None else b.detach() for b in n.biases]
        self.memory = [m.detach() for m in self.memory]
        for layer in self.layers:
            layer.v_memory, layer.h_memory = ([m.detach() for m in x] for x in (layer.v_memory, layer.h_memory))

    def update(self, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """Learn the next n letters.

        Args:
            parameters: parameters of the rule.

        Returns:
            f and e [B] of each network on its test letters after the update.
        """
        a, c = self.task.images[:, self.done], self.task.targets[:, self.done]
        with torch.no_grad():
            activations = self.network.forward(a)
            errors = error_vectors(self.network, activations, c, GRADIENT)
        steps = self.descend(parameters, activations, errors)
        n = self.network
        n.weights = [w - s[..., :-1] for w, s in zip(n.weights, steps, strict=True)]
        n.biases = [b - s[..., -1] for b, s in zip(n.biases, steps, strict=True) if b is not None]
        self.done += 1
        x = n.preactivation(1, n.s(n.preactivation(0, self.task.test_images)))
        f = loss(n.s(x), self.task.test_targets).mean(-1)
        return f, -(x.log_softmax(-1) * self.task.test_targets).sum(-1).mean(-1)

    def _step_coordinates(
        self, parameters: Parameters, activations: list[Tensor], errors: list[Tensor]
    ) -> list[Tensor]:
        """Return the steps [B, out, in + 1] of the rule for each coordinate."""
        flat = []
        for v, h, scale in zip(errors, activations, self.task.scales, strict=False):
            h = torch.cat([h, torch.ones_like(h[..., :1])], -1)
            flat.append(scale * (v.mT @ h) / h.shape[1])
        g = torch.cat([x.flatten() for x in flat])
        output, self.memory = lstm.advance(parameters, learned.preprocess(g), self.memory)
        parts = learned.compute_step(output, g).split([x.numel() for x in flat])
        return [p.view_as(x) * s / (x.shape[-1] - 1) for p, x, s in zip(parts, flat, self.task.scales, strict=True)]

    def _step_factors(self, parameters: Parameters, activations: list[Tensor], errors: list[Tensor]) -> list[Tensor]:
        """Return the steps [B, out, in + 1] of the rule for the factors."""
        steps, last = [], len(errors) - 1
        for k, v in enumerate(errors):
            v, y, h = v[:, 0] * self.task.error_scales[k], activations[k + 1][:, 0], activations[k][:, 0]
            h = torch.cat([h, torch.ones_like(h[..., :1])], -1)
            context = (self.done, k == 0, k == last, torch.ones_like(h[..., :1]))
            left, right, self.layers[k] = learned_factored.make_factors(parameters, self.layers[k], v, y, h, context)
            steps.append(left[..., :, None] * right[..., None, :])
        return steps
