"""The training task that an engine is built from: networks, optimizers, letters and settings."""

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
    """R networks and everything that their training needs; it cannot be changed once an engine is built.

    Attributes:
        network: R networks; the engine changes their weights in place.
        optimizers: one for each replica.
        orders: the sample orders, one for each replica.
        split: training and test letters.
        evaluation: when the test error is measured.
        rule: the rule that gives the error vectors.
        loss_factor: f in the loss f |q - c|^2.
        batch: number of samples in one update.
        block: number of samples in a block of a blocked engine; 0 lets the engine choose it by network and device.
        certified: whether letters whose class is proved are not evaluated, where the engine can do so.
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
