"""What a network's outputs are to `predict`: the letter, the runner-up, and shares that can be shown."""

from __future__ import annotations

import numpy as np
import torch

from letterocr.api.reading import LetterReading, Reading, rank_outputs
from letterocr.data.letters import ALPHABET
from letterocr.models.chain import Network
from letterocr.predict import format_lines


def test_the_line_shows_at_most_six_outputs_of_one_percent_or_more():
    outputs = dict.fromkeys(ALPHABET, 0.0) | {"B": 0.6, "A": 0.391, "C": 0.009}
    assert format_lines("b.png", reading_of("B", "A", outputs)) == "b.png: B, else A   [B 60%  A 39%]"
    shown = format_lines("b.png", reading_of("A", "B", dict.fromkeys(ALPHABET, 1 / 26)))
    assert shown.count("%") == 6


def reading_of(letter: str, runner_up: str, outputs: dict[str, float]) -> Reading:
    return Reading((LetterReading(letter, runner_up, outputs, (0, 0, 1, 1), np.zeros((30, 30))),))


def constant_network(q: list[float], dtype: torch.dtype = torch.float32) -> Network:
    """A linear network without hidden layers whose outputs are q whatever it sees; a second replica says Z."""
    biases = torch.zeros(2, 26, dtype=dtype)
    biases[0] = torch.tensor(q)
    biases[1, 25] = 1
    return Network([torch.zeros(2, 26, 900, dtype=dtype)], [biases], None)


def test_negative_outputs_have_no_share_and_the_largest_output_is_read():
    q = [-1.0] * 26
    q[3], q[7] = 3.0, 1.0
    letter, runner_up, outputs = rank_outputs(constant_network(q), torch.ones(900), ALPHABET)
    assert (letter, runner_up) == ("D", "H")
    assert outputs == dict.fromkeys(ALPHABET, 0.0) | {"D": 0.75, "H": 0.25}


def test_the_largest_output_is_read_where_all_are_negative():
    q = [-1.0] * 26
    q[3], q[7] = -0.25, -0.5
    letter, runner_up, outputs = rank_outputs(constant_network(q, torch.float64), torch.ones(900), ALPHABET)
    assert (letter, runner_up) == ("D", "H")
    assert set(outputs.values()) == {0.0}
