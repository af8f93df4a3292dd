"""Threads are as many as asked for, as before afterwards, and one in a process that was forked while they ran."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from letterocr.base.threads import count_threads, limit_threads


@pytest.fixture(autouse=True)
def _put_back():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_zero_stands_for_every_core():
    assert count_threads(3) == 3
    assert count_threads(0) == len(os.sched_getaffinity(0))


def test_the_count_is_put_back_also_after_an_error():
    torch.set_num_threads(1)
    with limit_threads(3):
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == 1
    with pytest.raises(ValueError, match="mine"), limit_threads(2):
        raise ValueError("mine")
    assert torch.get_num_threads() == 1


FORK = """
import os, torch
from letterocr.base.threads import count_threads, limit_threads

def multiply():
    with limit_threads(2):
        return float((torch.ones(600, 600) @ torch.ones(600, 600)).sum())

assert multiply() == 600**3
child = os.fork()
if not child:
    os._exit(0 if (multiply(), count_threads(2), torch.get_num_threads()) == (600**3, 1, 1) else 1)
assert os.waitpid(child, 0)[1] == 0
assert count_threads(2) == 2
"""


def test_a_fork_of_a_process_that_computed_has_one_thread_and_does_not_hang():
    """OpenMP's threads do not live on in the fork: waiting for them would never end."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK], env=os.environ | {"OMP_NUM_THREADS": "2"}, timeout=60
    )
    assert done.returncode == 0
