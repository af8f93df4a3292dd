"""The LSTM against PyTorch's own."""

import pytest
import torch

from letterocr.config.optimizer.recurrent_network import RecurrentNetwork
from letterocr.optimizers.learned import lstm


@pytest.mark.parametrize("layers", [1, 2])
def test_it_is_pytorchs_lstm(layers):
    """Five time steps of seven coordinates, in float64: the same outputs, memory and gradients."""
    generator = torch.Generator().manual_seed(1)
    named = RecurrentNetwork(features=3, outputs=2, layers=layers).list_shapes("v.")
    parameters = {
        name: torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
        for name, shape in named.items()
    }
    theirs = torch.nn.LSTM(3, lstm.UNITS, layers, dtype=torch.float64)
    head = torch.nn.Linear(lstm.UNITS, 2, dtype=torch.float64)
    with torch.no_grad():
        for k in range(layers):
            getattr(theirs, f"weight_ih_l{k}").copy_(parameters[f"v.lstm.{k}.input"])
            getattr(theirs, f"weight_hh_l{k}").copy_(parameters[f"v.lstm.{k}.hidden"])
            getattr(theirs, f"bias_ih_l{k}").copy_(parameters[f"v.lstm.{k}.bias"][:, 0])
            getattr(theirs, f"bias_hh_l{k}").zero_()
        head.weight.copy_(parameters["v.head.weight"])
        head.bias.copy_(parameters["v.head.bias"][:, 0])
    x = torch.randn(5, 7, 3, generator=generator, dtype=torch.float64)
    hidden, (h, c) = theirs(x)
    expected = head(hidden)

    memory, outputs = lstm.make_memory(7, layers, x), []
    for now in x:
        output, memory = lstm.advance(parameters, now.T, memory, "v.")
        outputs.append(output.T)
    torch.testing.assert_close(torch.stack(outputs), expected, rtol=1e-12, atol=1e-13)
    for k in range(layers):
        torch.testing.assert_close(memory[2 * k].T, h[k], rtol=1e-12, atol=1e-13)
        torch.testing.assert_close(memory[2 * k + 1].T, c[k], rtol=1e-12, atol=1e-13)

    expected.square().sum().backward()
    torch.stack(outputs).square().sum().backward()
    for k in range(layers):
        for part, name in (("input", "ih"), ("hidden", "hh")):
            theirs_of = getattr(theirs, f"weight_{name}_l{k}").grad
            torch.testing.assert_close(parameters[f"v.lstm.{k}.{part}"].grad, theirs_of, rtol=1e-10, atol=1e-10)


def test_at_the_start_of_meta_training_it_outputs_nothing():
    parameters = lstm.draw_parameters(RecurrentNetwork(2, 3, 2).list_shapes(), torch.Generator().manual_seed(0))
    output, memory = lstm.advance(parameters, torch.randn(2, 5), lstm.make_memory(5, 2, torch.zeros(())))
    assert output.eq(0).all()
    assert all(m.ne(0).any() for m in memory)
