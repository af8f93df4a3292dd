"""What a power failure may leave on disk, by three rules of what a file system keeps.

posix  a flush of a file keeps its content, a flush of a folder the names in it; of everything else any part may be
       lost, in any order, except that one call (a rename) is whole or not there
ext4   names are kept in order, all of them at each flush of anything (one journal), with data=ordered: of a file that
       was not flushed any part may be missing or zeros, unless it was renamed over an existing one
xfs    names are kept in order, at a flush of a file up to the last change of its names; content as in posix

The rules are those of Pillai et al. (OSDI 2014), "All file systems are not created equal", table 1, reduced to what
`disk_record` records.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from disk_record import FOLDER, Flush, Mark, Names, Step, Write

RULES = ("posix", "ext4", "xfs")
LOCKS = (".lock", ".rename")  # Optuna's locks, hundreds of them; one that is left is taken over after 30 seconds
State = frozenset[tuple[str, bytes | None]]  # each path below the root with its content, None for a folder


@dataclass
class _Disk:
    """What is known to be on disk, and what may be."""

    names: dict[str, int] = field(default_factory=dict)  # on disk
    pending: list[Names] = field(default_factory=list)  # perhaps on disk
    contents: dict[int, list[bytes]] = field(default_factory=dict)  # the flushed content first, then later ones

    def keep(self, steps: Iterable[Names]) -> None:
        for step in steps:
            _apply(self.names, step)


def _apply(names: dict[str, int], step: Names) -> None:
    for path, inode in step.changes:
        if inode is None:
            names.pop(path, None)
        else:
            names[path] = inode


def list_crash_states(
    steps: list[Step], rule: str, most: int, seed: int = 0
) -> Iterator[tuple[list[object], bool, State]]:
    """Yield every state after a power failure at any moment, each one once for what was told before it.

    Args:
        steps: what the program asked of its disk.
        rule: one of `RULES`.
        most: states at one moment; if there are more, a sample of them is taken.
        seed: of that sample.

    Yields:
        What the program had told its user, whether all states of this moment are listed, and the state.
    """
    disk, told, seen = _Disk(), list[object](), set[tuple[int, State]]()
    generator = random.Random(seed)
    for step in [None, *steps]:
        if isinstance(step, Mark):
            told.append(step.told)
        elif step is not None:
            _take(disk, step, rule)
        choices = list(_choose_names(disk, rule, most, generator))
        for names, flushed, whole in choices:
            for all_contents, state in _choose_contents(disk, names, flushed, max(2, most // len(choices)), generator):
                if (len(told), state) not in seen:
                    seen.add((len(told), state))
                    yield list(told), whole and all_contents, state


def _take(disk: _Disk, step: Step, rule: str) -> None:
    if isinstance(step, Names) and not all(path.endswith(LOCKS) for path, _ in step.changes):
        disk.pending.append(step)
    elif isinstance(step, Write):
        disk.contents.setdefault(step.inode, [b""]).append(step.content)
    elif isinstance(step, Flush):
        if isinstance(step.what, int):
            disk.contents[step.what] = disk.contents.get(step.what, [b""])[-1:]
        if rule == "posix":
            kept = [names for names in disk.pending if names.folder == step.what]
            disk.pending = [names for names in disk.pending if names.folder != step.what]
        else:
            touched = [n for n, names in enumerate(disk.pending) if rule == "ext4" or _touches(names, step.what)]
            end = touched[-1] + 1 if touched else 0
            kept, disk.pending = disk.pending[:end], disk.pending[end:]
        disk.keep(kept)


def _touches(names: Names, what: int | str) -> bool:
    return names.folder == what or any(inode == what for _, inode in names.changes)


def _is_temporary(path: str) -> bool:
    return os.path.basename(path).startswith(".")


def _choose_names(
    disk: _Disk, rule: str, most: int, generator: random.Random
) -> Iterator[tuple[dict[str, int], set[int], bool]]:
    """Yield names that may be on disk, the inodes whose content came with them, and whether all are listed."""
    pending, whole = disk.pending, True
    if rule != "posix":
        chosen = [pending[:end] for end in range(len(pending) + 1)]
    else:  # temporary files are of no use to anyone: they are on disk as long as nothing else is said of them
        pending = [step for step in pending if not all(_is_temporary(path) for path, _ in step.changes)]
        whole = 2 ** len(pending) <= most
        if whole:
            masks: Iterable[tuple[bool, ...]] = itertools.product((False, True), repeat=len(pending))
        else:
            masks = _sample_masks(len(pending), most, generator)
        chosen = [list(itertools.compress(pending, mask)) for mask in masks]
    for steps in chosen:
        names, flushed = dict(disk.names), set[int]()
        for step in steps:
            target, inode = step.changes[-1]
            if rule == "ext4" and len(step.changes) == 2 and target in names and inode is not None:
                flushed.add(inode)
            _apply(names, step)
        yield _drop_unreachable(names), flushed, whole


def _sample_masks(count: int, most: int, generator: random.Random) -> Iterator[tuple[bool, ...]]:
    for n in range(count + 1):
        yield tuple(k < n for k in range(count))
    for n in range(count):
        yield tuple(k == n for k in range(count))
        yield tuple(k != n for k in range(count))
    for _ in range(most - 3 * count):
        yield tuple(generator.random() < 0.5 for _ in range(count))


def _drop_unreachable(names: dict[str, int]) -> dict[str, int]:
    kept: dict[str, int] = {}
    for path in sorted(names):
        parent = os.path.dirname(path)
        if not parent or kept.get(parent) == FOLDER:
            kept[path] = names[path]
    return kept


def _choose_contents(
    disk: _Disk, names: dict[str, int], flushed: set[int], most: int, generator: random.Random
) -> Iterator[tuple[bool, State]]:
    inodes = sorted({inode for path, inode in names.items() if inode != FOLDER and not _is_temporary(path)})
    options = [_list_contents(disk.contents.get(inode, [b""]), inode in flushed) for inode in inodes]
    count = 1
    for option in options:
        count *= len(option)
    if count <= most:
        chosen: Iterable[tuple[bytes, ...]] = itertools.product(*options)
    else:
        chosen = (tuple(generator.choice(option) for option in options) for _ in range(most))
    for contents in chosen:
        by_inode = dict(zip(inodes, contents, strict=True))
        held = ((path, None if inode == FOLDER else by_inode.get(inode, b"torn")) for path, inode in names.items())
        yield count <= most, frozenset(held)


def _list_contents(contents: list[bytes], flushed: bool) -> list[bytes]:
    """Return what may be read of a file: any content since the last flush, and the last one torn in two ways."""
    *before, last = contents
    if not before or flushed:
        return [last]
    begun = before[-1] if last.startswith(before[-1]) else b""
    half = len(begun) + (len(last) - len(begun)) // 2
    torn = [last[:half], last[:half] + bytes(len(last) - half)]
    return list(dict.fromkeys([*before, *torn, last]))
