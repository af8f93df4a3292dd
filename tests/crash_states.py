"""What a power failure may leave on disk, by the rules of what a file system keeps (`RULES`).

Each call (a rename, a link) is whole on disk or not there. What else is kept:

            order of names   a flush keeps of the names before it     content of a file that was not flushed
posix       none             those of the flushed folder              nothing, any part, zeros
ext4        as called        all                                      nothing, any part; whole if renamed over a file
writeback   as called        all                                      nothing, any part, zeros
xfs         as called        up to the last one of what is flushed    nothing, any part, zeros

- posix: the least that POSIX promises (fsync of a file: its content; fsync of a folder: the names in it).
- ext4 with data=ordered, its default: one journal, so that each fsync commits all changes of names before it. Space for
  content is allocated late (delalloc): a name may be on disk before any content. The size of a file grows only with the
  content that is on disk (no zeros). A rename over an existing file allocates the new content at once (auto_da_alloc),
  and the commit waits for it.
- writeback: ext4 with data=writeback: the commit waits for no content.
- xfs: one log in order, but fsync writes it only up to the last change of the flushed file or folder. A rename starts
  no writing, and the size may be on disk before the content (zeros). ext4 with fast commits is the same for names.

The order and the heuristics are those of Pillai et al., "All file systems are not created equal" (OSDI 2014), table 1,
and of the kernel's documentation (ext4: auto_da_alloc, data=, delalloc). Which parts of a file may be missing is given
for four parts: none, half, half and zeros, the whole.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from disk_record import FOLDER, Flush, Mark, Names, Step, Write

LOCKS = (".lock", ".rename")  # Optuna's locks, hundreds of them; the test of a search leaves them in half of its states
State = frozenset[tuple[str, bytes | None]]  # each path below the root with its content, None for a folder


@dataclass(frozen=True)
class Rule:
    """What a file system keeps at a power failure; see the table above.

    Attributes:
        in_order: whether names reach the disk in the order of the calls.
        keeps: which names a flush keeps of those before it: of its `folder`, `all`, or up to the last `touched`.
        zeros: whether a file that was not flushed may have its size and zeros in place of its content.
        replaces_whole: whether a file that is renamed over another one is on disk before its name.
    """

    in_order: bool
    keeps: str
    zeros: bool
    replaces_whole: bool


RULES = {
    "posix": Rule(in_order=False, keeps="folder", zeros=True, replaces_whole=False),
    "ext4": Rule(in_order=True, keeps="all", zeros=False, replaces_whole=True),
    "writeback": Rule(in_order=True, keeps="all", zeros=True, replaces_whole=False),
    "xfs": Rule(in_order=True, keeps="touched", zeros=True, replaces_whole=False),
}


@dataclass
class _Disk:
    """What is known to be on disk, and what may be."""

    rule: Rule
    names: dict[str, int] = field(default_factory=dict)  # on disk
    pending: list[Names] = field(default_factory=list)  # perhaps on disk
    contents: dict[int, list[bytes]] = field(default_factory=dict)  # the flushed content first, then later ones

    def take(self, step: Step) -> None:
        """Note one step."""
        if isinstance(step, Names) and not all(path.endswith(LOCKS) for path, _ in step.changes):
            self.pending.append(step)
        elif isinstance(step, Write):
            self.contents.setdefault(step.inode, [b""]).append(step.content)
        elif isinstance(step, Flush):
            if isinstance(step.what, int):
                self.contents[step.what] = self.contents.get(step.what, [b""])[-1:]
            kept, self.pending = self._split(step.what)
            for names in kept:
                _apply(self.names, names)

    def _split(self, what: int | str) -> tuple[list[Names], list[Names]]:
        """Return the names that a flush of this file or folder keeps, and the others."""
        if self.rule.keeps == "folder":
            mine = [names.folder == what for names in self.pending]
            return list(itertools.compress(self.pending, mine)), [
                names for names, own in zip(self.pending, mine, strict=True) if not own
            ]
        touched = [n for n, names in enumerate(self.pending) if self.rule.keeps == "all" or _touches(names, what)]
        end = touched[-1] + 1 if touched else 0
        return self.pending[:end], self.pending[end:]


def _apply(names: dict[str, int], step: Names) -> None:
    for path, inode in step.changes:
        if inode is None:
            names.pop(path, None)
        else:
            names[path] = inode


def _touches(names: Names, what: int | str) -> bool:
    return names.folder == what or any(inode == what for _, inode in names.changes)


def list_crash_states(
    steps: list[Step], rule: Rule, most: int, seed: int = 0
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
    disk, told, seen = _Disk(rule), list[object](), set[tuple[int, State]]()
    generator = random.Random(seed)
    for step in [None, *steps]:
        if isinstance(step, Mark):
            told.append(step.told)
        elif step is not None:
            disk.take(step)
        choices = list(_choose_names(disk, most, generator))
        for names, flushed, whole in choices:
            for all_contents, state in _choose_contents(disk, names, flushed, max(2, most // len(choices)), generator):
                if (len(told), state) not in seen:
                    seen.add((len(told), state))
                    yield list(told), whole and all_contents, state


def is_temporary(path: str) -> bool:
    """Return whether a file will be renamed, or is of no use to anyone."""
    return os.path.basename(path).startswith(".")


def _choose_names(disk: _Disk, most: int, generator: random.Random) -> Iterator[tuple[dict[str, int], set[int], bool]]:
    """Yield names that may be on disk, the inodes whose content came with them, and whether all are listed."""
    pending, whole = disk.pending, True
    if disk.rule.in_order:
        chosen = [pending[:end] for end in range(len(pending) + 1)]
    else:  # temporary files are of no use to anyone: they are on disk as long as nothing else is said of them
        pending = [step for step in pending if not all(is_temporary(path) for path, _ in step.changes)]
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
            if disk.rule.replaces_whole and len(step.changes) == 2 and target in names and inode is not None:
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
    inodes = sorted({inode for path, inode in names.items() if inode != FOLDER and not is_temporary(path)})
    options = []
    for inode in inodes:
        contents = disk.contents.get(inode, [b""])
        options.append(contents[-1:] if inode in flushed else _list_contents(contents, disk.rule.zeros))
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


def _list_contents(contents: list[bytes], zeros: bool) -> list[bytes]:
    """Return what may be read of a file: any content since the last flush, and the last one torn."""
    *before, last = contents
    if not before:
        return [last]
    begun = before[-1] if last.startswith(before[-1]) else b""
    half = len(begun) + (len(last) - len(begun)) // 2
    torn = [last[:half], *([last[:half] + bytes(len(last) - half)] if zeros else [])]
    return list(dict.fromkeys([*before, *torn, last]))
