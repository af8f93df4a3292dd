"""Number of multiply-adds for each sample of a run.

The config of each optimizer counts its own (`letterocr.config.network_size`).
"""

from __future__ import annotations

from letterocr.config.network_size import NetworkSize
from letterocr.config.train import TrainConfig
from letterocr.models.chain import layer_sizes


def multiply_adds(config: TrainConfig, classes: int) -> float:
    """The multiply-adds for each sample that a run learns, as a mean over the run.

    Args:
        config: config of the run.
        classes: number of classes; the network has one output for each.

    Raises:
        KeyError: for this optimizer of PyTorch the multiply-adds are not known.
    """
    size = NetworkSize(tuple(layer_sizes(config.model, classes)), config.model.bias)
    return config.optimizer.count_multiply_adds(size)
