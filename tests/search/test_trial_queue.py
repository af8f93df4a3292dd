"""What a power failure leaves of a study's journal is read again."""

from __future__ import annotations

from pathlib import Path

from letterocr.base.heartbeat import Presence
from letterocr.search.plan import WORKERS, Plan, store_plan
from letterocr.search.space import read_space
from letterocr.search.trial_queue import JOURNAL, TrialQueue, open_study


def test_a_torn_end_of_the_journal_is_cut_off_and_the_study_goes_on(tmp_path: Path) -> None:
    plan = store_plan(tmp_path, Plan(read_space("learning_rate"), [], 0))
    with Presence(tmp_path / WORKERS) as presence:
        queue = TrialQueue(tmp_path, plan, presence, 10)
        for _ in range(2):
            trial = queue.take(9)
            assert trial
            queue.study.tell(trial, 0.5)
        journal = tmp_path / JOURNAL
        lines = journal.read_bytes().splitlines(keepends=True)
        kept, last = b"".join(lines[:-1]), lines[-1]
        for length in range(0, len(last), 7):
            for rest in (b"", bytes(len(last) - length)):  # a part, or a part and zeros
                journal.write_bytes(kept + last[:length] + rest)
                again = TrialQueue(tmp_path, plan, presence, 10)
                assert journal.read_bytes().startswith(kept)
                assert [trial.state.name for trial in again.study.get_trials()] == ["COMPLETE", "RUNNING"]
        again.study.tell(1, 0.25)
        assert [trial.value for trial in open_study(tmp_path).get_trials()] == [0.5, 0.25]
