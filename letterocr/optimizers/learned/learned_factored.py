"""A learned rule on the factors v and h: W <- W - alpha T v' h'^T, after Andrychowicz et al. (2016).

One recurrent network reads every coordinate of a layer's error vector v, another every coordinate of its inputs h (the
bias is one more input, of value 1), and each computes its factor of the step. So there are about 2,700 coordinates
instead of 1.6 million, and the step stays an outer product. Both factors start from v and h themselves:

    v' = 0.3 (exp(p) u + r),    u = w / rms(w),    w = v / max(s'/s'_max, 0.02)
    h' = (exp(p) h + (q - 1) m + 0.1 r) / (|h - m|^2 + 1)

p, q, r are the network's outputs for the coordinate, w is the error vector without the sigmoid's slope, and m is the
mean of the inputs so far (0 for the bias). Where the outputs are 0, the rule is a normalised error correction with
centred inputs. The inputs of the networks do not depend on any scale, apart from logarithms, and T times a change of
pre-activations of order 1 suits every temperature.

Shapes: any leading dimensions (of networks side by side), then v, y [..., out], h [..., in + 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from letterocr.config.optimizer.learned_factored import H_NETWORK, V_NETWORK, LearnedFactoredConfig
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.optimizers.learned import lstm, rule_file
from letterocr.optimizers.learned.lstm import Memory, Parameters
from letterocr.optimizers.optimizer import Optimizer, Update
from letterocr.optimizers.rate_schedule import LearningRate

SHAPES = V_NETWORK.list_shapes("v.") | H_NETWORK.list_shapes("h.")
TINY = 1e-30
SLOWEST = 0.01  # running means take at least this share of the newest value
QUICK = 0.1  # the same for v, whose signs change from letter to letter
LARGEST = 6.0  # upper limit of the exponents p
FLATTEST = 0.02  # lower limit of the slope that v is divided by, relative to the steepest slope


@dataclass
class Layer:
    """The memory of the rule for one layer.

    Attributes:
        v_memory: h and c [20, ... out] of the network that reads v.
        h_memory: h and c [20, ... (in + 1)] of the network that reads h.
        means: running means [..., out] of u and of the outputs, [..., in + 1] of h (m) and h^2, and [..., 1] of
            log rms(w).
    """

    v_memory: Memory
    h_memory: Memory
    means: list[Tensor]

    def tensors(self) -> list[Tensor]:
        """Return all tensors of the memory."""
        return [*self.v_memory, *self.h_memory, *self.means]


def make_layer(v: Tensor, h: Tensor) -> Layer:
    """Make the memory of a layer at the start of a run.

    Args:
        v: any tensor [..., out] of the wanted dtype and device.
        h: any tensor [..., in + 1] of the wanted dtype and device.
    """
    means = [torch.zeros_like(x) for x in (v, v, h, h, v[..., :1])]
    return Layer(
        lstm.make_memory(v.numel(), V_NETWORK.layers, v),
        lstm.make_memory(h.numel(), H_NETWORK.layers, h),
        means,
    )


def _rms(x: Tensor) -> Tensor:
    return (x.square().mean(-1, keepdim=True) + TINY).sqrt()


def _stack_features(*features: Tensor, like: Tensor) -> Tensor:
    """Stack F features, which broadcast to `like`, as [F, N]."""
    return torch.stack([f.expand_as(like) for f in features]).flatten(1)


def make_factors(
    parameters: Parameters, layer: Layer, v: Tensor, y: Tensor, h: Tensor, context: tuple[int, bool, bool, Tensor]
) -> tuple[Tensor, Tensor, Layer]:
    """Compute the factors of one layer's step.

    Args:
        parameters: parameters of both networks.
        layer: the memory of the layer.
        v: [..., out], the error vector.
        y: [..., out], the layer's outputs; 1/2 where they are linear.
        h: [..., in + 1], the layer's inputs, the last for the bias.
        context: the number of samples learned, whether this is the first layer, whether it is the last, and T [..., 1].

    Returns:
        v' [..., out] and h' [..., in + 1] of W <- W - alpha T v' h'^T, and the new memory.
    """
    sample, is_first, is_last, temperature = context
    newest = max(1 / (sample + 1), SLOWEST)
    slope, zero = 4 * y * (1 - y), torch.zeros_like(h[..., :1])
    w = v / slope.clamp_min(FLATTEST)
    rms_w, rms_h = _rms(w), _rms(h)
    logarithm = (rms_w * temperature).log()
    u = w / rms_w
    seen = [u, y, torch.cat([h[..., :-1], zero], -1), h.square(), logarithm]
    shares = [max(newest, QUICK), newest, newest, newest, newest]
    means = [m + (x - m) * s for m, x, s in zip(layer.means, seen, shares, strict=True)]
    mean_u, mean_y, _, mean_square, mean_logarithm = means
    mean_h = layer.means[2]  # before this sample, so that its own part is not subtracted
    centred = h - mean_h
    age = v.new_full((1,), 10 / (10 + sample))
    size = u.abs().clamp_min(1e-6).log() / 10
    read_v = _stack_features(
        u.asinh(), size, 2 * y - 1, slope, mean_u.asinh(), 2 * mean_y - 1, (logarithm / 10).clamp(-2, 2),
        (logarithm - mean_logarithm).clamp(-4, 4) / 2, age, age.new_full((1,), float(is_last)),
        age.new_full((1,), float(is_first)), like=v,
    )  # fmt: skip
    spread = (mean_square - mean_h.square()).clamp_min(0).sqrt()
    read_h = _stack_features(
        (h / rms_h).asinh(), h.clamp(-3, 3), (mean_h / rms_h).asinh(), (centred / rms_h).asinh(),
        (spread / rms_h).asinh(), (rms_h.log() / 5).clamp(-2, 2), age, age.new_full((1,), float(is_last)),
        age.new_full((1,), float(is_first)), like=h,
    )  # fmt: skip
    of_v, v_memory = lstm.advance(parameters, read_v, layer.v_memory, "v.")
    of_h, h_memory = lstm.advance(parameters, read_h, layer.h_memory, "h.")
    p, r = of_v.unflatten(1, v.shape)
    left = 0.3 * (p.clamp(max=LARGEST).exp() * u + r)
    p, q, r = of_h.unflatten(1, h.shape)
    right = (p.clamp(max=LARGEST).exp() * h + (q - 1) * mean_h + 0.1 * r) / (centred.square().sum(-1, keepdim=True) + 1)
    return left, right, Layer(v_memory, h_memory, means)


class LearnedFactored(Optimizer[LearnedFactoredConfig]):
    """The learned rule on the factors, with parameters of a file of `letterocr.meta_train`.

    Raises:
        UserError: the file is missing or damaged, or its parameters have other shapes.
    """

    form = "outer"

    def __init__(self, config: LearnedFactoredConfig, rate: LearningRate, network: Network, seed: int) -> None:
        super().__init__(config, rate, network, seed)
        like = network.weights[0]
        self.parameters = rule_file.read(config.name, config.path, SHAPES, like)
        self.layers = [make_layer(like.new_zeros(len(w)), like.new_zeros(w.shape[1] + 1)) for w in network.weights]

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update] | None:
        """Return the outer product for every weight matrix."""
        alpha, last = float(self.rate.at(sample, 1)[0]), len(self.layers) - 1
        one = batch.targets.new_ones(1)
        t = one if network.temperature is None else network.temperature.view(1)
        updates = []
        for k, layer in enumerate(self.layers):
            v, y = batch.errors[k][0], batch.activations[k + 1][0]
            y = torch.full_like(y, 0.5) if network.temperature is None else y
            h = torch.cat([batch.inputs[k][0], one])
            left, right, new = make_factors(self.parameters, layer, v, y, h, (sample, k == 0, k == last, t))
            for old, tensor in zip(layer.tensors(), new.tensors(), strict=True):
                old.copy_(tensor)
            left = left * (-alpha * t)
            updates.append(Update(left[:, None], right[None, :-1], left * right[-1]))
        return updates

    def state(self) -> dict[str, Tensor]:
        """Return the memory of both networks and the running means, of every layer."""
        return {f"{k}.{i}": m for k, layer in enumerate(self.layers) for i, m in enumerate(layer.tensors())}
