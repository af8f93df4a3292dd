"""Multiply-adds a sample of a run; each optimizer's config counts its own (`letterocr.config.network_size`)."""

from __future__ import annotations

from letterocr.config.network_size import NetworkSize
from letterocr.config.train import TrainConfig
from letterocr.models.chain import layer_sizes


def multiply_adds(config: TrainConfig, classes: int) -> float:
    """Multiply-adds for each sample that a run learns, the mean over the run.

    Args:
        config: the run.
        classes: of its letters, for each of which the network has an output.

    Raises:
        KeyError: an optimizer of PyTorch whose multiply-adds are not known.
    """
    size = NetworkSize(tuple(layer_sizes(config.model, classes)), config.model.bias)
    return config.optimizer.count_multiply_adds(size)
