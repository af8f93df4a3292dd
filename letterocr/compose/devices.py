"""Where a run computes: `device=auto` takes the CPU or the GPU by the rule of `choose_device`.

The rule's numbers come from the measurements on one H200 in docs/gpu.md. They will move when more is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch

from letterocr.base.errors import UserError
from letterocr.compose import registry
from letterocr.config.train import TrainConfig
from letterocr.data.letters import PIXELS, Split
from letterocr.engine.evaluation import EvaluationSchedule
from letterocr.engine.gpu.memory import NetworkMemory
from letterocr.engine.gpu.requirements import explain_old_gpu

FEW_REPLICAS = 16  # fewer networks than this leave most of a GPU idle
LEAST_WEIGHTS = 200_000  # of a network: smaller ones stay in the CPU's cache, and a GPU's launches take longer
LEAST_BATCH = 64  # samples in an update, from which on a GPU is faster without Triton's kernels too


@dataclass(frozen=True)
class DeviceChoice:
    """The device of a run, and why.

    Attributes:
        device: where the networks are.
        reason: a phrase for environment.json.
    """

    device: torch.device
    reason: str


def choose_device(config: TrainConfig, began: str | None = None) -> DeviceChoice:
    """Choose the device of a run.

    With device=auto, in this order:

    1. a resumed run stays on the device that it began on, if that is here;
    2. without a GPU, the CPU;
    3. optimizers whose step is not plain descent (they take 1 to 11 ms a sample on a GPU), and model=spectral: the CPU;
       in batches of at least 64 samples: the GPU;
    4. at least 16 networks together: the GPU;
    5. fewer networks: the GPU if Triton's kernels can train them (float32, two or three weight matrices, Triton, a GPU
       of compute capability 8.0) and a network has at least 200,000 weights; otherwise the CPU.

    Whether the test error is measured is no part of the rule: with the prototypes of the kernels the GPU was faster in
    both cases, and without kernels no measurement is newer than the certificates, which made the CPU faster.

    Args:
        config: config of the run.
        began: the device of a resumed run, as environment.json has it.

    Raises:
        UserError: `cuda` is asked for, and there is no CUDA GPU.
    """
    there = torch.cuda.is_available()
    if config.device == "cuda" and not there:
        raise UserError("device=cuda: PyTorch finds no CUDA GPU here; take device=cpu or device=auto.")
    if config.device != "auto":
        return DeviceChoice(torch.device(config.device), f"device={config.device}")
    if began and (there or began == "cpu"):
        return DeviceChoice(torch.device(began), "the run began there")
    if not there:
        return DeviceChoice(torch.device("cpu"), "PyTorch finds no CUDA GPU")
    gpu, reason = _prefers_gpu(config, _has_kernels(config))
    return DeviceChoice(torch.device("cuda" if gpu else "cpu"), reason)


def _has_kernels(config: TrainConfig) -> bool:
    """Return whether Triton's kernels can train two or three weight matrices of this config on this GPU."""
    return (
        config.dtype == "float32"
        and config.engine != "reference"
        and len(config.model.hidden) in (1, 2)
        and not explain_old_gpu()
    )


def _prefers_gpu(config: TrainConfig, kernels: bool) -> tuple[bool, str]:
    """Return whether the GPU is faster for this config, and why."""
    if config.batch != "1":
        large = config.batch == "all" or int(config.batch) >= LEAST_BATCH
        return large, f"batch={config.batch} is {'at least' if large else 'below'} {LEAST_BATCH} samples"
    form = registry.find_optimizer(config.optimizer).load().form
    if not config.model.is_chain or form != "scalars" or config.engine == "reference":
        return False, "samples of this network, optimizer and engine are learned by many small operations"
    if config.replicas >= FEW_REPLICAS:
        return True, f"{config.replicas} networks are at least {FEW_REPLICAS}"
    weights = _count_weights(config)
    if kernels and weights >= LEAST_WEIGHTS:
        return True, f"Triton's kernels train a network of {weights:,} weights faster than the CPU"
    if kernels:
        return False, f"{weights:,} weights of a network are below {LEAST_WEIGHTS:,}"
    return False, f"{config.replicas} networks are below {FEW_REPLICAS}, and Triton's kernels can't train them"


def _count_weights(config: TrainConfig) -> int:
    """Return the weights of a network without those of its outputs, whose number the letters decide."""
    sizes = [PIXELS, *config.model.hidden]
    return sum(a * b for a, b in pairwise(sizes))


def explain_full_memory(config: TrainConfig, split: Split, device: torch.device) -> str:
    """Return a sentence that the networks do not fit into the memory of the GPU, and how many would.

    Args:
        config: config of the run.
        split: training and test letters.
        device: the GPU.
    """
    fitting = describe_memory(config, split).count_fitting(torch.cuda.get_device_properties(device).total_memory)
    name = torch.cuda.get_device_name(device)
    return f"replicas={config.replicas} does not fit into the memory of {name}: about {fitting} networks would."


def describe_memory(config: TrainConfig, split: Split) -> NetworkMemory:
    """Return what decides the memory of one network of this config on a GPU."""
    sizes = [PIXELS, *config.model.hidden, split.train.classes]
    follows = EvaluationSchedule(str(config.evaluate_every), config.samples).follows
    momentum = bool(getattr(config.optimizer, "momentum", 0.0))
    return NetworkMemory(sizes, len(split.test), follows, momentum, 4 if config.dtype == "float32" else 8)
