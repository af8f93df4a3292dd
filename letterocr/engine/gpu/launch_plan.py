"""How the kernels share the work of R networks among the multiprocessors of a GPU.

Most numbers are those of the prototypes, which were measured on one H200 (docs/gpu.md); they are not tuned for these
kernels. `scripts/gpu_check.py` times others.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

GROUP = 32  # samples in a group: their effect on each other is summed in the kernel, that of earlier ones is a product
CHUNK = 128  # hidden units that a program takes at a time
MOST_KEPT = 256  # hidden units whose part of the last matrix fits into the registers of a program
MOST_PROGRAMS = 16  # programs that wait for each other; more would wait longer than they save
LETTER_TILE, LETTER_CHUNK, LETTER_WARPS = 32, 64, 4  # letters and hidden units of a program that judges letters
WARPS = 8  # groups of 32 threads in a program
STREAM_WARPS = 16  # of one that reads the last matrix again for each sample: 8 would need too many registers
MANY = 32  # networks that fill a GPU: their memory counts, and their kernels take longer than their launch


def round_up(number: int, least: int = 16) -> int:
    """Return the next power of two, at least `least`.

    Example:
        >>> round_up(26), round_up(3)
        (32, 16)
    """
    return max(least, 1 << (number - 1).bit_length())


def count_multiprocessors(device: torch.device) -> int:
    """Return the number of multiprocessors of a GPU; 1 for the CPU, where Triton's interpreter runs the kernels."""
    return int(torch.cuda.get_device_properties(device).multi_processor_count) if device.type == "cuda" else 1


def choose_gpu_block(matrices: int, replicas: int) -> int:
    """Return the samples in a block on a GPU: its first products are fast from 64 rows on, and each needs memory.

    Args:
        matrices: weight matrices of a network. The kernels for three take each sample through the whole block.
        replicas: networks that train together.

    Example:
        >>> choose_gpu_block(2, replicas=1), choose_gpu_block(2, replicas=1056), choose_gpu_block(3, replicas=1)
        (128, 64, 32)
    """
    if matrices == 3:
        return GROUP
    return 128 if replicas < MANY else 64


@dataclass(frozen=True)
class LaunchPlan:
    """How the hidden units of a network are shared among programs.

    Attributes:
        programs: programs of one network, which wait for each other once for each sample.
        width: hidden units of a program.
        chunk: hidden units that it takes at a time.
        keep: whether its part of the last matrix stays in registers.
        warps: groups of 32 threads in a program.
    """

    programs: int
    width: int
    chunk: int
    keep: bool
    warps: int


def plan_learning(replicas: int, units: int, multiprocessors: int) -> LaunchPlan:
    """Plan the learning of R networks with two weight matrices: all their programs must run at the same time.

    Args:
        replicas: R.
        units: hidden units of a network.
        multiprocessors: multiprocessors of the GPU.

    Example:
        >>> plan_learning(1, 1800, 132)
        LaunchPlan(programs=16, width=113, chunk=128, keep=True, warps=4)
        >>> plan_learning(1056, 1800, 132)
        LaunchPlan(programs=1, width=1800, chunk=128, keep=False, warps=16)
    """
    programs = 1
    while 2 * programs <= MOST_PROGRAMS and 2 * programs * replicas <= multiprocessors and 2 * programs <= units:
        programs *= 2
    width = -(-units // programs)
    keep = width <= MOST_KEPT
    chunk = round_up(width) if keep else CHUNK
    return LaunchPlan(programs, width, chunk, keep, min(WARPS, max(1, chunk // 32)) if keep else STREAM_WARPS)


def plan_letters(replicas: int, units: int, letters: int, multiprocessors: int) -> tuple[int, int]:
    """Plan the judging of letters: the fewest splits of the hidden units that give each multiprocessor four programs.

    Few splits save memory: each keeps its part of all outputs of a group.

    Returns:
        The splits, and the hidden units of each, a multiple of `LETTER_CHUNK`.

    Example:
        >>> plan_letters(1, 1800, 520, 132), plan_letters(128, 1800, 520, 132)
        ((29, 64), (1, 1856))
    """
    chunks, tiles = -(-units // LETTER_CHUNK), -(-letters // LETTER_TILE)
    wanted = min(chunks, -(-4 * multiprocessors // (tiles * replicas)))
    each = -(-chunks // wanted)
    return -(-chunks // each), each * LETTER_CHUNK
