"""Shares of the test letters in threads."""

from __future__ import annotations

import threading

import pytest
import torch

from letterocr.engine.shares import list_shares, run_shares


def test_shares_are_all_rows_once() -> None:
    assert list_shares(10, 3) == [(0, 3), (3, 6), (6, 10)]
    assert list_shares(2, 3) == [(0, 0), (0, 1), (1, 2)]


def test_shares_run_at_the_same_time_with_one_thread_each_for_products() -> None:
    before, barrier, threads = torch.get_num_threads(), threading.Barrier(3, timeout=60), {}

    def work(share: int) -> None:
        barrier.wait()
        threads[share] = torch.get_num_threads()

    run_shares(work, 3)
    assert threads == {0: 1, 1: 1, 2: 1}
    assert torch.get_num_threads() == before


def test_an_error_of_a_share_is_raised() -> None:
    before = torch.get_num_threads()

    def fail(share: int) -> None:
        if share:
            raise ArithmeticError(share)

    with pytest.raises(ArithmeticError):
        run_shares(fail, 2)
    assert torch.get_num_threads() == before
