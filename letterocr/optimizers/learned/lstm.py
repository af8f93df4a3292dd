"""The recurrent networks of the learned optimizers: an LSTM and a linear head, the same for every coordinate.

The LSTM is that of Hochreiter and Schmidhuber (1997) with forget gates (Gers et al. 2000). Its gates are stacked as in
PyTorch: input, forget, candidate, output. Coordinates run along the last axis, so that each gate is contiguous in
memory.

Shapes: N coordinates, F features, U units a layer, O outputs. x [F, N], h and c [U, N], gates [4 U, N].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from letterocr.config.optimizer.recurrent_network import UNITS

FORGET_BIAS = 1.0  # at the start of meta-training, so that it remembers (Jozefowicz, Zaremba, Sutskever 2015)

Parameters = dict[str, Tensor]
Memory = list[Tensor]  # h and c of the first layer, h and c of the second, ...


def draw_parameters(named: dict[str, tuple[int, ...]], generator: torch.Generator) -> Parameters:
    """Draw random float32 parameters for the start of meta-training; the head is zero, so that outputs start at 0.

    Args:
        named: the shape of each parameter by its name, as `RecurrentNetwork.list_shapes` returns them.
        generator: random stream of the parameters.
    """
    parameters = {}
    for name, shape in named.items():
        draw = (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) / math.sqrt(UNITS)
        if "head" in name:
            draw.zero_()
        elif name.endswith("bias"):
            draw.zero_()[UNITS : 2 * UNITS] = FORGET_BIAS
        parameters[name] = draw.float()
    return parameters


def make_memory(coordinates: int, layers: int, like: Tensor) -> Memory:
    """Make the memory at the start of a run, which is zero.

    Args:
        coordinates: N.
        layers: number of LSTM layers.
        like: any tensor of the wanted dtype and device.

    Returns:
        h and c of every layer, [U, N] each.
    """
    return [like.new_zeros(UNITS, coordinates) for _ in range(2 * layers)]


def cell(x: Tensor, h: Tensor, c: Tensor, weights: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Advance one LSTM layer by one time step.

    Args:
        x: [F, N], the input.
        h: [U, N], the last output.
        c: [U, N], the cell states.
        weights: of x [4 U, F], of h [4 U, U], and the bias [4 U, 1].

    Returns:
        The new h and c.
    """
    of_x, of_h, bias = weights
    gates = torch.addmm(torch.addmm(bias, of_x, x), of_h, h)
    units = len(h)
    i, f = torch.sigmoid(gates[: 2 * units]).split(units)
    g, o = torch.tanh(gates[2 * units : 3 * units]), torch.sigmoid(gates[3 * units :])
    c = torch.addcmul(f * c, i, g)
    return o * torch.tanh(c), c


def advance(parameters: Parameters, x: Tensor, memory: Memory, prefix: str = "") -> tuple[Tensor, Memory]:
    """Advance all layers and the head by one time step.

    Args:
        parameters: parameters by the names of `RecurrentNetwork.list_shapes`.
        x: [F, N], the input.
        memory: h and c of every layer, [U, N] each.
        prefix: text before each name.

    Returns:
        The outputs [O, N], and the new memory.
    """
    new: Memory = []
    for k in range(len(memory) // 2):
        weights = tuple(parameters[f"{prefix}lstm.{k}.{part}"] for part in ("input", "hidden", "bias"))
        h, c = cell(x, memory[2 * k], memory[2 * k + 1], weights)  # type: ignore[arg-type]
        new += [h, c]
        x = h
    return torch.addmm(parameters[f"{prefix}head.bias"], parameters[f"{prefix}head.weight"], x), new
