"""Training of a learned optimizer's rule by truncated backpropagation through time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from letterocr.base.errors import UserError
from letterocr.compose import registry
from letterocr.config.optimizer.learned_factored import LearnedFactoredConfig
from letterocr.config.optimizer.method import MetaTrainedConfig

if TYPE_CHECKING:
    from torch import Tensor

    from letterocr.data.letters import Letters

RULES = tuple(name for name, entry in registry.OPTIMIZERS.items() if issubclass(entry.schema, MetaTrainedConfig))
LENGTHS = (100, 100, 100, 200)  # number of updates in an episode; one of these is drawn
CLIP = 1.0  # largest norm of a meta-gradient
WARM_UP = 20  # meta-steps until Adam's learning rate reaches its full value
DECAYS = (0.9, 0.99)  # Adam's decay rates; low, because there are few meta-steps
EVERY = 60.0  # seconds between two checkpoints
LINE = 10.0  # seconds between two lines of output


@dataclass(frozen=True)
class MetaTrainingSettings:
    """Everything that decides the result of the meta-training.

    Attributes:
        which: the learned optimizer, one of `RULES`.
        steps: number of meta-steps, one for each unroll.
        unroll: number of updates in a meta-step.
        replicas: number of networks trained side by side.
        rate: Adam's learning rate; it falls to 0 by a cosine.
        seed: seed of the rule, the networks and the letters.
        letters: number of synthetic letters of each class.
    """

    which: str
    steps: int = 6000
    unroll: int = 20
    replicas: int = 4
    rate: float = 3e-3
    seed: int = 0
    letters: int = 400


class MetaTrainer:
    """Trains a rule, whole episodes at a time.

    Args:
        settings: what decides the result.
        letters: the letters that networks learn and are tested on.
    """

    def __init__(self, settings: MetaTrainingSettings, letters: Letters) -> None:
        from letterocr.base.randomness import make_generator
        from letterocr.optimizers.learned import learned, learned_factored, lstm

        self.settings, self.letters = settings, letters
        self.factored = registry.OPTIMIZERS[settings.which].schema is LearnedFactoredConfig
        shapes = (learned_factored if self.factored else learned).SHAPES
        self.parameters = lstm.draw_parameters(shapes, make_generator(settings.seed, "rule"))
        self.first = {name: p.new_zeros(p.shape) for name, p in self.parameters.items()}
        self.second = {name: p.new_zeros(p.shape) for name, p in self.parameters.items()}
        self.step = self.episode = self.updates = 0
        self.seconds = 0.0

    def run_episode(self) -> list[tuple[float, float]]:
        """Train new networks with the rule; return the mean of log f and of e in each unroll (see `episodes`)."""
        import torch

        from letterocr.base.randomness import make_generator
        from letterocr.meta_train import episodes

        s, start = self.settings, time.perf_counter()
        draw = make_generator(s.seed, "meta", "length", self.episode)
        length = LENGTHS[int(torch.randint(len(LENGTHS), (1,), generator=draw))]
        unrolls = min(max(length // s.unroll, 1), s.steps - self.step)
        task = episodes.draw_episode(
            self.letters, s.seed, self.episode, replicas=s.replicas, steps=unrolls * s.unroll, factored=self.factored
        )
        optimizee, losses = episodes.Optimizee(task, self.factored), []
        for _ in range(unrolls):
            leaves = {name: p.clone().requires_grad_() for name, p in self.parameters.items()}
            f, e = (torch.stack(x) for x in zip(*(optimizee.update(leaves) for _ in range(s.unroll)), strict=True))
            logarithm = f.clamp_min(1e-6).log().mean()
            meta_loss = logarithm + episodes.CROSS_ENTROPY * e.mean()
            gradients = torch.autograd.grad(meta_loss, list(leaves.values()))
            optimizee.detach()
            losses.append((float(logarithm.detach()), float(e.detach().mean())))
            self._adam(dict(zip(leaves, gradients, strict=True)))
            self.updates += s.unroll * s.replicas
        self.episode += 1
        self.seconds += time.perf_counter() - start
        return losses

    def _adam(self, gradients: dict[str, Tensor]) -> None:
        """Take one step of Adam (Kingma, Ba 2015) with clipped gradients; skip gradients that are not finite."""
        s, (b1, b2) = self.settings, DECAYS
        norm = math.sqrt(sum(float(g.double().square().sum()) for g in gradients.values()))
        rate = s.rate * min(1.0, (self.step + 1) / WARM_UP) * (1 + math.cos(math.pi * self.step / s.steps)) / 2
        self.step += 1
        if not math.isfinite(norm):
            return
        for name, g in gradients.items():
            g = g * min(1.0, CLIP / (norm + 1e-12))
            first = self.first[name].mul_(b1).add_(g, alpha=1 - b1) / (1 - b1**self.step)
            second = self.second[name].mul_(b2).addcmul_(g, g, value=1 - b2) / (1 - b2**self.step)
            self.parameters[name] = self.parameters[name] - rate * first / (second.sqrt() + 1e-8)

    def state(self) -> dict[str, Tensor]:
        """Return every tensor that a resumed run needs, by name."""
        groups = {"rule": self.parameters, "first": self.first, "second": self.second}
        return {f"{group}/{name}": t for group, named in groups.items() for name, t in named.items()}

    def load(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Restore a checkpoint.

        Args:
            facts: the facts, as `facts` returned them.
            tensors: the tensors, as `state` returned them.
        """
        for name in self.parameters:
            self.parameters[name] = tensors[f"rule/{name}"]
            self.first[name], self.second[name] = tensors[f"first/{name}"], tensors[f"second/{name}"]
        self.step, self.episode, self.updates = facts["step"], facts["episode"], facts["updates"]
        self.seconds = facts["seconds"]

    def facts(self) -> dict[str, Any]:
        """Return the progress, the cost so far and the settings."""
        counts = {"step": self.step, "episode": self.episode, "updates": self.updates, "seconds": self.seconds}
        return counts | {"settings": vars(self.settings)}


def meta_train(settings: MetaTrainingSettings, output: Path, folder: Path) -> None:
    """Train a rule, or continue its training, and write its file.

    Args:
        settings: what decides the result.
        output: the file to write.
        folder: folder of the checkpoints.

    Raises:
        UserError: the folder holds checkpoints of other settings.
    """
    import torch

    from letterocr.config.data import SyntheticConfig
    from letterocr.data import synthetic
    from letterocr.optimizers.learned import rule_file
    from letterocr.run import checkpoint
    from letterocr.run.terminal import format_duration

    torch.set_num_threads(1)  # the products are small
    data = SyntheticConfig(train_per_letter=settings.letters, test_per_letter=1, seed=settings.seed + 1_000_000)
    trainer = MetaTrainer(settings, synthetic.load(data).train)
    try:
        facts, tensors, damaged = checkpoint.load(folder, torch.device("cpu"))
    except FileNotFoundError:
        pass
    else:
        if facts["settings"] != vars(settings):
            raise UserError(f"checkpoints={folder} holds a run of other settings: take another folder, or remove it.")
        trainer.load(facts, tensors)
        print("\n".join([*damaged, f"resumed at meta-step {trainer.step:,}"]), flush=True)
    saved, shown = time.monotonic(), -math.inf
    recent: list[list[tuple[float, float]]] = []
    while trainer.step < settings.steps:
        recent = [*recent, trainer.run_episode()][-20:]
        now = time.monotonic()
        if now - shown > LINE or trainer.step == settings.steps:
            shown = now
            left = format_duration(trainer.seconds / trainer.step * (settings.steps - trainer.step))
            first, last = (sum(e[i][0] for e in recent) / len(recent) for i in (0, -1))
            entropy = sum(e[-1][1] for e in recent) / len(recent)
            print(
                f"meta-step {trainer.step:,} of {settings.steps:,}  loss in the first unroll {math.exp(first):.4f}, "
                f"in the last {math.exp(last):.4f} (cross-entropy {entropy:.3f})  {left} left",
                flush=True,
            )
        if now - saved > EVERY or trainer.step == settings.steps:
            saved = now
            checkpoint.save(folder, trainer.episode, trainer.state(), trainer.facts())
    cost = {"meta_steps": trainer.step, "optimizee_updates": trainer.updates, "seconds": round(trainer.seconds, 1)}
    rule_file.write(output, trainer.parameters, {"which": settings.which, "settings": vars(settings)} | cost)
    print(f"written: {output}", flush=True)
