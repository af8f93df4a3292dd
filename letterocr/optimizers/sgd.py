"""The paper's stochastic descent: each sample changes a random part of the weights and biases (section IV).

Elsewhere, as in Bottou 2010, *stochastic* means random samples, which here is the order of the samples. The mask m is
drawn anew for each update and layer; each part is kept with probability `keep`:

    weight  W <- W - alpha M . (v h^T)          M [out, in], each weight and bias separately
    row     W <- W - alpha (m . v) h^T          m [out], all weights and the bias of an output together
    column  W <- W - alpha v (m . h)^T          m [in + 1], all weights of an input; the bias is one more input
    layer   W <- W - m alpha v h^T              m one number

The last three stay outer products. With `rescale` alpha is divided by keep: the mean update is then the gradient's.
Shapes: v [N, out], h [N, in].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from letterocr.base.randomness import make_generator
from letterocr.config.optimizer.sgd import SgdConfig
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import Optimizer, Update, mean_descent
from letterocr.optimizers.rate_schedule import LearningRate


class Sgd(Optimizer[SgdConfig]):
    """Descent on a random part of the weights and biases (Kantack 2020, section IV)."""

    def __init__(self, config: SgdConfig, rate: LearningRate, network: Network, seed: int) -> None:
        super().__init__(config, rate, network, seed)
        self.form = "dense" if config.mask == "weight" else "outer"

    @classmethod
    def bound_factor(cls, config: SgdConfig) -> float:
        """Return `keep` if updates are divided by it: their mean is unchanged, their mean square multiplied by 1/keep.

        Args:
            config: settings for which the bounds hold.
        """
        return config.keep if config.rescale else 1.0

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update] | None:
        """Return the masked update of every weight matrix; with a mask for each weight, change the weights in place."""
        alpha = float(self.rate.at(sample, 1)[0]) / (self.config.keep if self.config.rescale else 1.0)
        updates = mean_descent(batch, alpha)
        if self.config.mask == "weight":
            self._each_weight(sample, network, updates)
            return None
        return [self._mask_update(sample, k, update) for k, update in enumerate(updates)]

    def _draw_mask(self, sample: int, k: int, like: Tensor, *shape: int) -> Tensor:
        """Draw ones with probability keep, else zeros: a function of seed, sample and layer alone."""
        generator = make_generator(self.seed, "mask", self.config.mask, sample, k)
        return (torch.rand(*shape, generator=generator) < self.config.keep).to(like)

    def _mask_update(self, sample: int, k: int, update: Update) -> Update:
        left, right, bias = update.left, update.right, update.bias
        if self.config.mask == "column":
            mask = self._draw_mask(sample, k, right, right.shape[1] + 1)
            return Update(left, right * mask[:-1], bias * mask[-1])
        mask = self._draw_mask(sample, k, left, left.shape[0] if self.config.mask == "row" else 1)
        return Update(left * mask.unsqueeze(1), right, bias * mask)

    def _each_weight(self, sample: int, network: Network, updates: list[Update]) -> None:
        for k, (update, weight, bias) in enumerate(zip(updates, network.weights, network.biases, strict=True)):
            out, width = weight.shape
            mask = self._draw_mask(sample, k, weight, out, width + 1)
            weight.addcmul_(mask[:, :-1], update.left @ update.right)
            if bias is not None:
                bias.addcmul_(mask[:, -1], update.bias)
