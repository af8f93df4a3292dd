"""Messages of a run: its settings, notes before it trains, and sentences on a stop or a divergence."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path

from letterocr.compose.learning_rates import LearningRatePlan, format_rates
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.engine.blocked import BlockedEngine
from letterocr.engine.engine import Engine
from letterocr.engine.gpu.requirements import explain_missing_kernels

HARDLY = 0.9  # of the error of guessing: above it a run has learned hardly anything


def describe_run(config: TrainConfig, engine: Engine, split: Split, rates: list[float], folder: Path) -> dict[str, str]:
    """Return the settings of a run, line by line.

    Args:
        config: config of the run.
        engine: engine of the run.
        split: training and test letters.
        rates: learning rate of each replica.
        folder: the run folder.

    Returns:
        The text of each line by its name.
    """
    model, sizes = config.model, [w.shape[2] for w in engine.network.weights]
    network = "-".join(map(str, [*sizes, split.train.classes]))
    replicas = f", {config.replicas} replicas" if config.replicas > 1 else ""
    often = config.evaluate_every
    every = {"1": "every sample", "log": "log-spaced samples"}.get(often, f"every {often} samples")
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
    """Return the notes for the user before a run trains: another engine, or a learning rate above its bound."""
    found = []
    if config.engine == "auto" and engine.name == "reference":
        what = f"optimizer={config.optimizer.name} with batch={config.batch}"
        found.append(f"{what} makes no single outer product for each weight matrix: the reference engine is used.")
    if type(engine) is BlockedEngine and engine.network.weights[0].is_cuda:
        found.append(explain_missing_kernels(engine.network))
    if plan.limit and max(plan.alphas) > plan.limit.value:
        found.append(f"learning_rate={config.learning_rate} may diverge. {plan.limit}")
    return [*found, plan.warning] if plan.warning else found


def describe_stop(number: int, sample: int, folder: Path) -> str:
    """Return the sentences that a signal stopped the run, and how to resume it.

    Args:
        number: number of the signal.
        sample: samples learned.
        folder: the run folder.
    """
    return (
        f"Stopped by {signal.Signals(number).name} after {sample:,} samples; nothing is lost. "
        f"Go on with: letterocr train {shlex.quote(f'resume={folder}')}"
    )


def describe_divergence(plan: LearningRatePlan, r: int, sample: int) -> str:
    """Return the sentences that a network diverged, and what to do.

    Args:
        plan: the learning rates and their bound.
        r: index of the network.
        sample: samples learned before it diverged.
    """
    networks = len(plan.alphas)
    which = f"Network {r + 1} of {networks}" if networks > 1 else "The run"
    safe = f" {plan.limit}" if plan.limit else ""
    too_large = f"learning_rate={plan.alphas[r]:g} is too large.{safe} Take a smaller one."
    what = "after which its loss exceeds 10^6 or a number is not finite"
    return f"{which} diverged at sample {sample + 1:,}, {what}: {too_large}"


def describe_guessing(best_error: float, classes: int) -> str | None:
    """Return the sentences that a run learned hardly more than guessing, or None if it learned more.

    Args:
        best_error: its lowest test error, a fraction.
        classes: number of classes, all as frequent among the test letters.

    Example:
        >>> describe_guessing(0.5, 26), describe_guessing(0.93, 26)[:59]
        (None, 'The run learned hardly anything: guessing misreads 96.2 %. ')
    """
    guessing = 1 - 1 / classes
    if best_error < HARDLY * guessing:
        return None
    mend = "Learn more samples, or look for a better learning rate with: letterocr search search=learning_rate"
    return f"The run learned hardly anything: guessing misreads {100 * guessing:.1f} %. {mend}"
