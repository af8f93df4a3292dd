"""Construction of an engine at sample 0 from a config and its letters."""

from __future__ import annotations

from collections.abc import Callable

import torch

from letterocr.base.errors import UserError
from letterocr.compose import registry
from letterocr.compose.devices import choose_device, explain_full_memory
from letterocr.config.rule import find_rule
from letterocr.config.train import TrainConfig, per_replica
from letterocr.data.letters import Split
from letterocr.data.order import Order
from letterocr.engine.engine import Engine
from letterocr.engine.evaluation import EvaluationSchedule
from letterocr.engine.gpu.requirements import explain_missing_kernels
from letterocr.engine.task import TrainingTask
from letterocr.models.chain import Network
from letterocr.optimizers.rate_schedule import LearningRate


def list_replica_seeds(config: TrainConfig) -> list[int]:
    """Return the seed of each replica: seed, seed + 1, ...; all the same if the replicas differ by a list of values.

    Such a list is given for the learning rate, the temperature or the scale of the initial weights.
    """
    listed = (config.learning_rate, config.model.temperature, config.model.init_scale)
    step = 0 if any(isinstance(value, list | tuple) for value in listed) else 1
    return [config.seed + step * r for r in range(config.replicas)]


def build_engine(
    config: TrainConfig,
    split: Split,
    learning_rates: list[float] | None = None,
    evaluation: EvaluationSchedule | None = None,
    device: torch.device | None = None,
    seeds: list[int] | None = None,
) -> Engine:
    """Build the networks, optimizers and sample orders of a config, and return their engine at sample 0.

    Args:
        config: config of the run.
        split: training and test letters.
        learning_rates: learning rate of each replica; None: the numbers in the config, which must not be `auto`.
        evaluation: when the test error is measured; None: as the config says.
        device: where to compute; None: as the config says.
        seeds: seed of each replica; None: as the config says.

    Raises:
        UserError: engine=blocked with an optimizer whose update is not a single outer product, or the networks do not
            fit into the memory of the GPU.
    """
    device = device or choose_device(config).device
    try:
        return _build_engine(config, split, learning_rates, evaluation, device, seeds or list_replica_seeds(config))
    except torch.cuda.OutOfMemoryError as error:
        raise UserError(explain_full_memory(config, split, device)) from error


def _build_engine(
    config: TrainConfig,
    split: Split,
    learning_rates: list[float] | None,
    evaluation: EvaluationSchedule | None,
    device: torch.device,
    seeds: list[int],
) -> Engine:
    initialise = registry.find_model(config.model).load()
    network = initialise(config.model, seeds, getattr(torch, config.dtype), device, split.train.classes)
    optimizer = registry.find_optimizer(config.optimizer).load()
    alphas = learning_rates or per_replica(config.learning_rate, config.replicas)
    rates = [LearningRate(config.schedule, alpha, config.samples) for alpha in alphas]
    optimizers = [
        optimizer(config.optimizer, rate, network.replica(r), seed)
        for r, (rate, seed) in enumerate(zip(rates, seeds, strict=True))
    ]
    task = TrainingTask(
        network,
        optimizers,
        [Order(config.order, len(split.train), seed) for seed in seeds],
        split,
        evaluation or EvaluationSchedule(str(config.evaluate_every), config.samples),
        find_rule(config.rule),
        config.loss_factor,
        batch=len(split.train) if config.batch == "all" else int(config.batch),
        block=config.block,
        certified=config.evaluation == "certified",
    )
    return _choose_engine(config, task)(task)


def _choose_engine(config: TrainConfig, task: TrainingTask) -> Callable[[TrainingTask], Engine]:
    """Return the class of the engine: the one that the model needs, or else by the config and the optimizer's form."""
    own: type[Engine] | None = registry.find_model(config.model).load_engine()
    if own:
        return own
    form = task.optimizers[0].form if task.batch == 1 else "dense"
    if config.engine == "blocked" and form == "dense":
        raise UserError(
            f"engine=blocked: optimizer={config.optimizer.name} with batch={config.batch} makes no single outer "
            "product for each weight matrix; take engine=auto."
        )
    if config.engine == "reference" or form == "dense":
        from letterocr.engine.reference import ReferenceEngine

        return ReferenceEngine
    if form == "outer":
        from letterocr.engine.outer import OuterEngine

        return OuterEngine
    return choose_blocked_engine(task.network)


def choose_blocked_engine(network: Network) -> type[Engine]:
    """Return the blocked engine for these networks: with Triton's kernels where they can train them."""
    if network.weights[0].is_cuda and not explain_missing_kernels(network):
        from letterocr.engine.gpu.gpu_engine import GpuEngine

        return GpuEngine
    from letterocr.engine.blocked import BlockedEngine

    return BlockedEngine
