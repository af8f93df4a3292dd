"""The test letters beside a compiled stack, judged a block at a time: whether most are misread is proved, not computed.

The block is learned first. Each letter is anchored at its start, and judged after each sample that is due
(`certificates`), in stretches of samples. Rules for which (C7) holds judge by the cheap bounds first, and by that one
the letters that are open somewhere in a stretch. A letter that is open is evaluated; if it still is where a stretch
ends, it is anchored anew there, unless its outputs are too close for that to help. The counts are those of
`CompiledFollower`, sample by sample, and so are the bits of what a checkpoint keeps.

Shapes: as in `certificates`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from letterocr.engine import kernels
from letterocr.engine.block_motion import MotionMaker
from letterocr.engine.certificate_arrays import Motion, make_rounding
from letterocr.engine.compiled import CompiledFollower, CompiledStack
from letterocr.engine.judging import GUARD, MOST_TIES, LearnedBlock, judge
from letterocr.engine.kernels import LastLayer
from letterocr.engine.letter_anchors import BlockFactors, LetterAnchors, pad
from letterocr.engine.marking import Verdicts, mark_moving, mark_plain, mark_spanned
from letterocr.engine.replay import Followers, catch_up_many, replay_many
from letterocr.engine.shares import list_shares, run_shares

ROWS = 16
HOPE = 4.0  # a bound that misses by less than that many margins is small enough after an anchor anew
STRETCH = 32  # samples after which letters that are open are anchored anew


class CertifiedFollower(CompiledFollower):
    """The test letters beside one compiled stack of two weight matrices.

    Args:
        stack: what they follow.
        images: [T, 900], the pixels in the order of the stack's weights.
        labels: [T].
        shares: how many threads share the letters.
    """

    stack: CompiledStack
    certified = True

    def __init__(self, stack: CompiledStack, images: Tensor, labels: Tensor, shares: int) -> None:
        super().__init__(stack, images, labels)
        self.shares, self._shares = shares, list_shares(len(labels), shares)
        momentum, like = stack.momentum, self.z
        (c, m), count, n = stack.network.weights[-1].shape, len(labels), stack.block
        self.moving = bool(momentum.mu or momentum.decay)
        self.rounding = make_rounding(self.z.numpy().dtype, m, n, self.settings.sigmoid, self.moving)
        self.spanned = self.settings.sigmoid and not self.settings.hidden_slope and not self.moving
        self._mark = mark_moving if self.moving else mark_spanned if self.spanned else mark_plain
        self._maker = MotionMaker((c, pad(c)), n, like, momentum.mu, momentum.decay, self.spanned)
        self._anchors = LetterAnchors(self.labels.numpy(), c, m, n, like, self.moving, self.spanned)
        self._lower = torch.tril_indices(c, c)
        self._inverse = float(self.settings.numbers[kernels.TEMPERATURE])
        self._starting = [torch.from_numpy(x).clone() for x in stack.last]
        self._replayed = [[x.clone() for x in self._starting] for _ in self._shares]
        self._gaps, self._inputs = like.new_zeros(shares, 2, pad(c)).numpy(), like.new_zeros(shares, m).numpy()
        # where s is the identity the activations are the pre-activations themselves, which must stay
        self._tied_inputs = torch.empty_like(self.z) if self.hidden is self.z else self.hidden
        self.rows_alike = self._find_rows_alike()
        self._steps = like.new_zeros(n, m)
        y = self._rows[1]
        self._letters = Followers(
            self._rows[0],
            y,
            np.zeros(count, np.int64),
            self._anchors.arrays.g,
            self._steps.numpy(),
            stack.rates.numpy(),
        )
        self._verdicts = Verdicts(
            self.labels.numpy(),
            np.zeros(n, np.bool_),
            np.zeros(count, np.int64),
            np.zeros(count),
            np.zeros(count),
            np.zeros((count, n), np.int64),
            np.zeros((count, n), np.int64),
            np.zeros((shares, n), np.int64),
            np.zeros(shares, np.int64),
            np.zeros((shares, MOST_TIES, 2), np.int64),
            np.zeros(shares, np.int64),
            like.new_zeros(shares, MOST_TIES, m).numpy(),
        )

    @property
    def evaluated(self) -> np.ndarray:
        """How many letters were evaluated in the last block, by each thread."""
        return self._verdicts.evaluated

    def learn_and_measure(self, due: list[int]) -> Tensor:
        """Let the stack learn its block; the misread letters after each sample in `due`: [len]."""
        stack, n = self.stack, self.stack.n
        for kept, array in zip(self._starting, stack.last, strict=True):
            kept.copy_(torch.from_numpy(array))
        stack.learn(0, n)
        wanted = np.zeros(stack.block, np.bool_)
        wanted[due] = True
        factors, motion = self._describe_block()
        if not all(np.isfinite(x).all() for x in (motion.gram, motion.omega[:n], float(self.z.norm()))):
            return self._measure_fully(due)
        verdicts = self._verdicts
        verdicts.due[:] = wanted
        for array in (self._letters.reached, verdicts.rivals, verdicts.misread, verdicts.evaluated, verdicts.tied):
            array[:] = 0
        run_shares(lambda share: self._judge(share, factors, motion), self.shares)
        counts = verdicts.misread.sum(0)
        last, done = self._restart_last(), 0
        for i, t, h in self._list_ties():
            self._replay(last, done, i + 1)
            counts[i] += self._is_misread(last, t, h)
            done = i + 1
        return torch.from_numpy(counts[due])

    def _describe_block(self) -> tuple[BlockFactors, Motion]:
        stack, n = self.stack, self.stack.n
        h, q = stack.hidden[-1], stack.output_errors[:n]
        torch.mul(stack.errors[0][:n], self._inverse_as_followed, out=self._steps[:n])
        v = self._steps[:n]
        weight = self._starting[0]
        pairs = weight[self._lower[0]] * weight[self._lower[1]] * self._inverse if self.spanned else weight[:0]
        slope = (h[:n] * (1 - h[:n])).mean(0) if self.settings.sigmoid else torch.ones_like(h[0])
        motion = self._maker.make(
            stack.rates[:n],
            (v, h[:n], q),
            stack.w_table,
            self._starting,
            slope,
            self.rounding,
            stack.bias,
            self._inverse,
            pairs,
        )
        self._anchors.arrays.g[:, :n] = self.gram[:n].mT.numpy()
        for weights in self._replayed:
            for kept, start in zip(weights, self._starting, strict=True):
                kept.copy_(start)
        factors = BlockFactors(
            n,
            v,
            h,
            weight,
            weight.square(),
            pairs,
            weight.norm(dim=1) * (self.rounding.slope * self.rounding.up),
            slope,
            stack.bias,
            self.moving,
            self.rounding,
        )
        return factors, motion

    def _judge(self, share: int, factors: BlockFactors, motion: Motion) -> None:
        """Count the misread ones of a share's letters, but for ties; let them take the updates of the whole block."""
        verdicts, letters, s, n = self._verdicts, self._letters, self.settings, factors.n
        own, anchors, weights = self._shares[share], self._anchors, self._replayed[share]
        arrays, rows, guard = anchors.arrays, slice(*own), GUARD * self.rounding.unit
        short, margin = verdicts.short[rows], verdicts.margin[rows]
        last = LastLayer(*(x.numpy() for x in weights))
        block = LearnedBlock(self.stack.output_errors.numpy(), factors.h.numpy())
        scratch, h = (self._gaps[share, 0], self._gaps[share, 1]), self._inputs[share]
        spanned, without = np.zeros(own[1] - own[0], np.bool_), motion._replace(rest=motion.rest[:0])

        def settle(which: np.ndarray, start: int, exactly: bool) -> None:
            if which.any():
                chosen = own[0] + np.flatnonzero(which)
                anchors.settle(chosen, start, factors, weights, letters, s, exactly)
                verdicts.read[chosen] = arrays.chosen[chosen, 0]
                spanned[which] = exactly

        def mark(which: np.ndarray, stretch: tuple[int, int], motion: Motion) -> None:
            chosen = own[0] + np.flatnonzero(which)
            self._mark(chosen, stretch, arrays, motion, verdicts, s, self.rounding, scratch)

        for start in range(0, n, STRETCH):
            stretch = start, min(start + STRETCH, n)
            hopeful = (short > 0) & (short < HOPE * margin)
            settle(hopeful if start else ~spanned, start, self.spanned and start > 0)
            mark(~spanned, stretch, without)
            if self.spanned:
                settle(~spanned & (verdicts.rivals[rows, slice(*stretch)] > 0).any(1), start, exactly=True)
                mark(spanned, stretch, motion)
            judge(share, own, stretch, motion, verdicts, letters, block, last, s, guard, h)
        catch_up_many(np.arange(*own), n, letters, s)

    def _list_ties(self) -> list[tuple[int, int, Tensor]]:
        """Sample, letter and activations of each letter whose outputs are too close, in the order of the samples."""
        verdicts, found = self._verdicts, []
        for share, count in enumerate(verdicts.tied.tolist()):
            inputs = torch.from_numpy(verdicts.inputs[share])
            found += [(i, t, inputs[k]) for k, (i, t) in enumerate(verdicts.ties[share, :count].tolist())]
        return sorted(found, key=lambda tie: tie[:2])

    def _is_misread(self, last: LastLayer, t: int, h: Tensor) -> int:
        """Whether letter t with activations h is misread with these weights, by the product of the full evaluation."""
        labels = np.full(self.rows_alike, -1)
        labels[0] = self.labels[t]
        inputs, outputs = self._tied_inputs[: self.rows_alike], self._outputs[: self.rows_alike]
        inputs[0] = h
        self._padded[: len(last.U)] = torch.from_numpy(last.U)
        torch.mm(inputs, self._padded.T, out=outputs)
        return kernels.count_misread(outputs.numpy(), last.b, labels) - len(labels) + 1

    def _find_rows_alike(self) -> int:
        """How many rows a product must have for the bits of one with all letters: most libraries need only a few."""
        generator = torch.Generator().manual_seed(0)
        inputs = self._tied_inputs.uniform_(generator=generator)
        self._padded.normal_(generator=generator)
        alike = bool(torch.equal(inputs[:ROWS] @ self._padded.T, (inputs @ self._padded.T)[:ROWS]))
        self._padded.zero_()
        return ROWS if alike else len(inputs)

    def _restart_last(self) -> LastLayer:
        """The last weight matrix at the block's start, to be replayed."""
        for weight, start in zip(self._replayed[0], self._starting, strict=True):
            weight.copy_(start)
        return LastLayer(*(weight.numpy() for weight in self._replayed[0]))

    def _replay(self, last: LastLayer, start: int, stop: int) -> None:
        """Give the last weight matrix the updates of samples start .. stop - 1."""
        stack = self.stack
        q, h, rates = stack.output_errors.numpy(), stack.hidden[-1].numpy(), stack.rates.numpy()
        replay_many(last, q, h, rates, (start, stop), self.settings)

    def _measure_fully(self, due: list[int]) -> Tensor:
        """The same by the full evaluation."""
        counts, labels, last = [], self.labels.numpy(), self._restart_last()
        for i in range(self.stack.n):
            self.follow(i, i in due)
            self._replay(last, i, i + 1)
            if i in due:
                counts.append(self._count_last(self.compute_last_inputs(i), torch.from_numpy(last.U), last.b, labels))
        return torch.stack(counts) if counts else self.stack.losses[:0]
