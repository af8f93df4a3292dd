"""The tables of many networks are those that `momentum.make_tables` makes for each."""

import numpy as np
import pytest
import torch

from letterocr.engine.gpu.table_kernel import make_tables_together
from letterocr.engine.momentum import make_tables


@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 0.0), (0.9, 0.0), (0.0, 0.02), (0.8, 0.01)])
def test_it_makes_the_tables_of_each_network(momentum: float, decay: float) -> None:
    rates = torch.rand(3, 17, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = make_tables_together(rates, torch.tensor([momentum, decay], dtype=torch.float64))
    for r, row in enumerate(rates.numpy()):
        pairs = list(zip(found, make_tables(row, momentum, decay), strict=True))
        for table, expected in pairs if momentum or decay else pairs[:1]:  # plain descent has no table of M
            np.testing.assert_allclose(table[r].numpy(), expected, rtol=1e-13, atol=1e-15)
