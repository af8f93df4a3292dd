"""What a run tells its user in words: what it is, what to mind, how it diverged."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path

from letterocr.compose.learning_rates import LearningRatePlan, format_rates
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.engine.engine import Engine


def describe_run(config: TrainConfig, engine: Engine, split: Split, rates: list[float], folder: Path) -> dict[str, str]:
    """What the run is, line by line."""
    model, sizes = config.model, [w.shape[2] for w in engine.network.weights]
    network = "-".join(map(str, [*sizes, split.train.classes]))
    replicas = f", {config.replicas} replicas" if config.replicas > 1 else ""
    often = config.evaluate_every
    every = {"1": "every sample", "log": "log-spaced samples"}.get(often, f"{often} samples")
    loss = f"loss {config.loss_factor:g} |q-c|^2"
    measured = f"{every} ({'certified' if engine.certified else 'full'} evaluation)"
    rate = f"auto = {format_rates(rates)}" if config.learning_rate == "auto" else config.learning_rate
    return {
        "network": f"{model.name} {network}, {model.activation}, T = {model.temperature}{replicas}",
        "letters": f"{config.data.name}: {len(split.train):,} to train, {len(split.test):,} to test, {config.order}",
        "learning": f"{config.rule} rule, {config.optimizer.name}, learning rate {rate}, {loss}",
        "engine": f"{engine.name}, {config.dtype} on {engine.images.device}, test error after {measured}",
        "seed": str(config.seed),
        "folder": str(folder),
    }


def collect_notes(config: TrainConfig, engine: Engine, plan: LearningRatePlan) -> list[str]:
    """What to mind before it trains."""
    found = []
    if config.engine == "auto" and engine.name == "reference":
        what = f"optimizer={config.optimizer.name} with batch={config.batch}"
        found.append(f"{what} makes no single outer products: the reference engine is used.")
    if plan.limit and max(plan.alphas) > plan.limit.value:
        found.append(f"learning_rate={config.learning_rate} may diverge. {plan.limit}")
    return [*found, plan.warning] if plan.warning else found


def describe_stop(number: int, sample: int, folder: Path) -> str:
    """That a signal stopped the run, and how to go on."""
    return (
        f"Stopped by {signal.Signals(number).name} after {sample:,} samples; nothing is lost. "
        f"Go on with: python -m letterocr.train {shlex.quote(f'resume={folder}')}"
    )


def describe_divergence(plan: LearningRatePlan, r: int, sample: int) -> str:
    """That replica r is not finite after that many samples, and what to do."""
    which = f"Replica {r}" if len(plan.alphas) > 1 else "The run"
    safe = f" {plan.limit}" if plan.limit else ""
    too_large = f"learning_rate={plan.alphas[r]:g} is too large.{safe} Take a smaller one."
    return f"{which} diverged at sample {sample + 1:,}, after which loss or weights are not finite: {too_large}"
