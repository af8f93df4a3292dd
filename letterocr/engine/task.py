"""What an engine is built from."""

from __future__ import annotations

from dataclasses import dataclass

from letterocr.config.rule import Rule
from letterocr.data.letters import Split
from letterocr.data.order import Order
from letterocr.engine.evaluation import EvaluationSchedule
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import Optimizer


@dataclass(frozen=True)
class TrainingTask:
    """R networks and all that trains them; none of it can be replaced once an engine is built.

    Attributes:
        network: R networks; the engine changes their weights in place.
        optimizers: one a replica.
        orders: one a replica.
        split: training and test letters.
        evaluation: when the test error is measured.
        rule: of the error vectors.
        loss_factor: f in the loss f |q - c|^2.
        batch: samples an update.
        block: samples that a blocked engine takes at once; 0: as many as suit the network and the device.
        certified: whether letters whose class is proved are not evaluated, where the engine can.
    """

    network: Network
    optimizers: list[Optimizer]
    orders: list[Order]
    split: Split
    evaluation: EvaluationSchedule
    rule: Rule
    loss_factor: float = 0.5
    batch: int = 1
    block: int = 0
    certified: bool = False
