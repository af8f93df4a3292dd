"""How much memory of a GPU the engine needs, and how many networks fit.

The estimate is for networks that learn in blocks with Triton kernels; it counts every tensor that grows with the
number of networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from letterocr.engine.gpu.launch_plan import GROUP, MANY, choose_gpu_block, round_up

COMMON_BYTES = 1.0e9  # of PyTorch, the libraries and the letters
SHARE = 0.95  # of the free memory that may be used: some is lost between tensors


@dataclass(frozen=True)
class NetworkMemory:
    """What decides the memory of a network.

    Attributes:
        sizes: widths of the layers, from the pixels to the classes.
        letters: test letters.
        follows: whether the test letters take every update.
        momentum: whether there is momentum.
        number_bytes: bytes of a number.
    """

    sizes: Sequence[int]
    letters: int
    follows: bool
    momentum: bool
    number_bytes: int = 4

    def count_bytes(self, replicas: int) -> int:
        """Return the bytes of one of R networks that train together.

        Args:
            replicas: R; few networks learn in larger blocks.
        """
        sizes, letters = self.sizes, self.letters
        block, out = choose_gpu_block(len(sizes) - 1, replicas), round_up(sizes[-1])
        weights = sum(b * (a + 1) for a, b in pairwise(sizes))
        rows = 2 * sizes[0] + sum(3 * m for m in sizes[1:-1]) + sizes[1] + 3 * out  # of a block
        numbers = weights * (1 + self.momentum) + block * (rows + 8 * block)
        if self.follows:
            last = sizes[-2] * sizes[-1] if len(sizes) > 2 else 0
            numbers += letters * sizes[1] * (1 + self.momentum) + 2 * block * letters + 2 * last * (1 + self.momentum)
            numbers += GROUP * letters * out if len(sizes) == 3 else 0
            numbers += 3 * letters * sum(sizes[1:-1]) if len(sizes) > 3 else 0
        return numbers * self.number_bytes

    def count_fitting(self, free: float) -> int:
        """Return how many networks fit into `free` bytes.

        Example:
            >>> memory = NetworkMemory([900, 1800, 26], letters=520, follows=True, momentum=False)
            >>> memory.count_fitting(80e9) // 1000  # thousands: each takes 16 MB
            4
        """
        room = SHARE * free - COMMON_BYTES
        many = int(room // self.count_bytes(MANY))
        return many if many >= MANY else max(0, min(int(room // self.count_bytes(1)), MANY - 1))
