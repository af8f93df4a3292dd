"""Networks of a run folder: as they are after the newest whole checkpoint, and as they were at the start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from letterocr.base.errors import UserError
from letterocr.compose import registry
from letterocr.compose.build import list_replica_seeds
from letterocr.config.train import TrainConfig, per_replica
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import select_state
from letterocr.run import checkpoint


def initialise_network(config: TrainConfig, classes: int) -> Network:
    """Return the networks of a run at sample 0, on the CPU.

    Args:
        config: config of the run.
        classes: number of outputs.
    """
    initialise = registry.find_model(config.model).load()
    cpu = torch.device("cpu")
    network: Network = initialise(config.model, list_replica_seeds(config), getattr(torch, config.dtype), cpu, classes)
    return network


def initialise_replica(config: TrainConfig, classes: int, r: int) -> Network:
    """Return one of the networks of a run at sample 0, on the CPU, without making the others.

    Args:
        config: config of the run.
        classes: number of outputs.
        r: index of the network.
    """
    own: dict[str, Any] = {
        name: per_replica(getattr(config.model, name), config.replicas)[r] for name in ("temperature", "init_scale")
    }
    alone = replace(config, model=replace(config.model, **own), replicas=1, seed=list_replica_seeds(config)[r])
    return initialise_network(alone, classes).replica(0)


def load_network(folder: Path, config: TrainConfig, classes: int) -> tuple[Network, int]:
    """Read the networks that are tested from the newest whole checkpoint; return them and the samples learned.

    Args:
        folder: the run folder.
        config: config of the run.
        classes: number of outputs.

    Raises:
        UserError: there is no whole checkpoint that fits the config.
    """
    try:
        facts, tensors, _ = checkpoint.load(folder / "checkpoints", torch.device("cpu"))
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no whole checkpoint: train it first.") from error
    trained = {name: t.shape for name, t in tensors.items() if name.startswith(("weight.", "bias."))}
    sides = {side for shape in trained.values() for side in shape}
    fits = sides >= {config.replicas, *config.model.hidden}  # else a false config might fill the memory
    network = initialise_network(config, classes) if fits else None
    if network is None or trained != {name: t.shape for name, t in network.state().items()}:
        raise UserError(f"{folder}: the checkpoint does not fit config.yaml: undo the change of that file.")
    network.load_state(tensors)
    optimizer = registry.find_optimizer(config.optimizer).load()
    for r in range(network.replicas):
        evaluated = optimizer.find_evaluation_tensors(select_state(tensors, r))
        if evaluated:
            network.replica(r).load_state(evaluated)
    return network, int(facts["sample"])
