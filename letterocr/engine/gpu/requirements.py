"""What the Triton kernels need, and what they do without; this module imports no Triton."""

from __future__ import annotations

import importlib.util

import torch

from letterocr.models.chain import Network

MOST_MATRICES = 3
LEAST_CAPABILITY = (8, 0)  # of the GPU: older ones have no TF32 and no cooperative grids that Triton can launch


def explain_missing_kernels(network: Network) -> str:
    """Return why the Triton kernels cannot train these networks, in one sentence; empty if they can.

    Args:
        network: networks on a GPU.
    """
    device, dtype = network.weights[0].device, network.weights[0].dtype
    missing = explain_old_gpu(device)
    if missing:
        return missing
    if dtype != torch.float32:
        return "dtype=float64 has no Triton kernels: training on the GPU is several times slower than with float32."
    if len(network.weights) > MOST_MATRICES:
        return f"The Triton kernels take up to {MOST_MATRICES} weight matrices: training on the GPU is slower."
    return ""


def explain_old_gpu(device: torch.device | None = None) -> str:
    """Return why this machine and GPU can't run the Triton kernels, in one sentence; empty if they can.

    Args:
        device: the GPU; None: the current one.
    """
    if importlib.util.find_spec("triton") is None:
        return "Triton is not installed: training on the GPU is several times slower; pip install triton."
    capability = torch.cuda.get_device_capability(device)
    if capability < LEAST_CAPABILITY:
        name = f"{torch.cuda.get_device_name(device)} (compute capability {capability[0]}.{capability[1]})"
        return f"{name} is too old for the Triton kernels, which need 8.0: training on it is several times slower."
    return ""
