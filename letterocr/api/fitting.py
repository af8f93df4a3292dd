"""`letterocr.fit`, `letterocr.iterate` and `letterocr.letters`: training from a script or a notebook.

Shapes: n samples of one stretch, R networks side by side.
"""

from __future__ import annotations

import inspect
import math
import re
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from letterocr.api.progress_bar import ProgressBar, is_watched
from letterocr.api.trained_run import Part, Run, load
from letterocr.base.home import expand_path
from letterocr.base.signals import hold_signals
from letterocr.base.threads import limit_threads
from letterocr.compose import registry
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.keywords import write_overrides
from letterocr.config.check import check_config
from letterocr.config.data import ArraysConfig
from letterocr.config.refusal import refuse
from letterocr.config.train import TrainConfig
from letterocr.data.arrays import make_split, store
from letterocr.data.letters import Split
from letterocr.matrix.familiarity import learn_familiarity
from letterocr.run.folder import locate_folder
from letterocr.run.learning import Learning
from letterocr.run.outcome import look_up_outcome
from letterocr.run.rehearsal import compile_loops, load_letters
from letterocr.run.training import iterate_run

MOST_BLOCK = 512  # samples in a block of the engine where `every` decides it
TEST_SHARE = 0.2  # share of each class that is drawn for the test, if arrays come without test letters
ONE_AT_A_TIME = threading.Lock()  # only one Python thread learns at a time, as all use the same compiled loops
Stretches = Generator[Learning, None, None]
_open: dict[Path, Stretches] = {}  # runs with a folder that this process has begun and not ended


def fit(
    *,
    data: Any = None,
    test: Any = None,
    output: str | Path | None = None,
    progress: bool | None = None,
    **fields: Any,
) -> Run:
    """Train a network as `letterocr train` does, with the same fields and defaults, and return the run.

    Args:
        data: letters to learn: the name of a source, as in `data="emnist"`; or what `letterocr.letters` returned; or
            `(images, labels)` with images [N, 900] in 0..1 (ink is 1), or pictures [N, H, W] or [N, H, W, 3], and
            labels [N], characters or numbers from 0 for A. None: the command's default, `synthetic`.
        test: test letters `(images, labels)`, or the share of each class that is drawn for the test (None: 0.2); only
            if `data` is `(images, labels)`.
        output: folder for the run folders. If it is given, the run is kept there, a finished run is loaded and an
            unfinished run is resumed. None: the run is not stored.
        progress: whether to show a progress bar; None: only in a terminal or a notebook.
        **fields: any other field of the command, which `letterocr train --help` lists; two underscores stand for a dot,
            as in `model__temperature=150`.

    Returns:
        The run. It is also returned if the networks diverged; then its `status` is `diverged`.

    Raises:
        UserError: a field or an array is wrong; the message says which one and what to change.

    Example:
        >>> run = fit(model="two_layer", data__train_per_letter=2, samples=20)
        >>> run.status, run.sample
        ('finished', 20)
    """
    make_run = deque(_iterate(data, test, output, progress, None, fields), maxlen=1)[0]
    return make_run()


def iterate(
    *,
    data: Any = None,
    test: Any = None,
    output: str | Path | None = None,
    every: int | None = None,
    **fields: Any,
) -> Iterator[Part]:
    """Train as `fit` does, and return each stretch of samples as it is learned; you may stop after any of them.

    Args:
        data: as in `fit`.
        test: as in `fit`.
        output: as in `fit`; a run that you leave early is stored with a checkpoint and resumed the next time, and a
            run that is over comes as one stretch.
        every: samples of a stretch; None: as many as take 0.1 seconds. With `output=` it is rounded up to whole blocks
            of the engine, so that the run is the one of `fit`; without, the engine takes blocks of this size.
        **fields: as in `fit`.

    Yields:
        The samples learned in each stretch, with the run so far.

    Raises:
        UserError: as in `fit`; it is raised when the first stretch is asked for.

    Example:
        >>> for part in iterate(model="two_layer", data__train_per_letter=2, samples=100, every=10, block=10):
        ...     if part.samples[-1] == 30:
        ...         break
        >>> part.samples[0], part.run.status
        (np.int64(21), 'unfinished')
    """
    if every is not None and every < 1:
        refuse("every", every, "must be at least 1")
    before: int | None = None
    for make_run in _iterate(data, test, output, False, every, fields):
        run = make_run()
        if before is None and run.status != "unfinished":  # it was over already
            before = 0
        if before is not None and run.sample > before:
            yield run.cut_part(before)
        before = run.sample


def letters(source: str = "synthetic", **fields: Any) -> Split:
    """Load training and test letters.

    Args:
        source: name of the source: `synthetic`, `emnist` or `images`.
        **fields: fields of the source, as in `path="letters.npz"` or `test_per_letter=5`.

    Returns:
        `.train` and `.test`, each with `images` [N, 900] in 0..1 (ink is 1), `labels` [N] and the `alphabet`.

    Raises:
        UserError: there is no such source or field, or its files can't be read.

    Example:
        >>> letters("synthetic", train_per_letter=2, test_per_letter=1).train.images.shape
        torch.Size([52, 900])
    """
    config = compose_config(write_overrides({"data": source, **{f"data.{name}": v for name, v in fields.items()}}))
    check_config(config)
    split = registry.load_letters(config.data)
    return replace(split, source=(config.data, split.fingerprint()))


def _iterate(
    data: Any, test: Any, output: str | Path | None, progress: bool | None, every: int | None, fields: dict[str, Any]
) -> Iterator[Callable[[], Run]]:
    """Yield what makes the run as it is now: at its start, after each stretch, and when it is over."""
    config, split = _compose(data, test, output, fields)
    folder = None if output is None else locate_folder(config)
    if folder and _look_up(config, folder):
        yield partial(load, folder)
        return
    with ProgressBar(config.samples, is_watched() if progress is None else progress) as bar:
        with ONE_AT_A_TIME, limit_threads(config.threads):
            if split:
                compile_loops(config, bar.wait)
            else:
                split = load_letters(config, bar.wait)
        box = split.train.box()
        stretches = (
            iterate_run(config, folder, split, bar, every) if folder else _learn_in_memory(config, split, bar, every)
        )
        for learning in _take_turns(stretches, config.threads, folder):
            yield partial(_make_run, learning, folder, box)


def _look_up(config: TrainConfig, folder: Path) -> bool:
    """Return whether the run is over already; close it first if this process left it open, as after an error."""
    earlier = _open.pop(folder, None)
    if earlier and inspect.getgeneratorstate(earlier) != inspect.GEN_RUNNING:
        earlier.close()
    return look_up_outcome(config, folder) is not None


def _learn_in_memory(config: TrainConfig, split: Split, bar: ProgressBar, every: int | None) -> Stretches:
    """Train a run without a folder, one stretch of samples at each step."""
    if every and not config.block:
        config = replace(config, block=min(every, MOST_BLOCK))
    learning = Learning(config, split, every=every)
    learning.measure_start()
    yield learning
    while not learning.is_over():
        learning.learn_stretch()
        bar.update(learning.curve.sample, math.nan, learning.curve.last_error(), learning.seconds)
        yield learning


def _take_turns(stretches: Stretches, threads: int, folder: Path | None) -> Iterator[Learning]:
    """Learn one stretch at each step, in one Python thread at a time, and obey signals after it."""
    if folder:
        _open[folder] = stretches
    try:
        while True:
            with ONE_AT_A_TIME, limit_threads(threads), hold_signals() as held:
                learning = next(stretches, None)
            if held.received:
                if signal.getsignal(held.received) == signal.SIG_DFL:  # the default handler ends the process at once
                    stretches.close()
                signal.raise_signal(held.received)
            if learning is None:
                return
            yield learning
    finally:
        stretches.close()
        if folder:
            _open.pop(folder, None)


def _compose(
    data: Any, test: Any, output: str | Path | None, fields: dict[str, Any]
) -> tuple[TrainConfig, Split | None]:
    """Return the checked config, and the letters if they are given as arrays or as a split."""
    _refuse_fields(data, test, output, fields)
    own = data is not None and not isinstance(data, str)
    named = {} if data is None else {"data": "arrays" if own else data}
    named |= {} if output is None else {"output": str(output)}
    config = compose_config(write_overrides(fields | named))
    config.resume = "false" if config.force else "true"
    if not own:
        check_config(config)
        return config, None
    split = data if isinstance(data, Split) else make_split(data, TEST_SHARE if test is None else test, config.seed)
    fingerprint = split.fingerprint()
    path = expand_path(config.output) / f"letters-{fingerprint}.npz" if output is not None else None
    named_config = replace(config, data=split.source[0]) if split.source and split.source[1] == fingerprint else None
    config = replace(config, data=ArraysConfig(path=str(path or ""), fingerprint=fingerprint))
    if named_config and not (path and locate_folder(config).is_dir()):  # versions before 0.1.0 called them arrays
        config, path = named_config, None
    check_config(config)
    if path:
        store(split, path)
    return config, split


def _refuse_fields(data: Any, test: Any, output: str | Path | None, fields: dict[str, Any]) -> None:
    """Refuse fields that have no effect here.

    Raises:
        UserError: the field, its value and what to do instead.
    """
    named = data is None or isinstance(data, str)
    if named and test is not None:
        refuse("test", test, "is only for arrays, as in data=(images, labels); leave it out")
    if isinstance(data, Split) and test is not None:
        refuse("test", test, "these letters have their own test letters; leave it out")
    for name, value in fields.items():
        if name == "resume":
            refuse(name, value, "an unfinished run in output= is always resumed; leave it out")
        if name in ("launcher", "on_failure"):
            refuse(name, value, "is only for the sweeps of `letterocr train`; leave it out")
        if output is None and name in ("force", "diagnostics", "snapshots"):
            refuse(name, value, "is only for a run that is kept in a folder; give output= too")
        if not named and re.match(r"data(\.|__)", name):
            refuse(name, value, "is only for a named source, as in data='emnist'; leave it out")


def _make_run(learning: Learning, folder: Path | None, box: int) -> Run:
    """Return the run so far; it shares its networks with the engine, unless an optimizer averages weights."""
    total = learning.divergence.is_total()
    status = "diverged" if total else "finished" if learning.is_over() else "unfinished"
    return Run(
        learning.config,
        status,
        learning.curve.sample,
        learning.find_evaluated(),
        learning.split.train.alphabet,
        box,
        folder,
        learning.seconds,
        (*learning.notes, *learning.describe_end()),
        lambda: learning.curve,
        lambda: learning.split,
        lambda: learn_familiarity(learning.split.train),
    )
