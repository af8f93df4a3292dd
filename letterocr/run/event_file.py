"""One event file of TensorBoard: scalars, pictures and other records, each tag with its description."""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from letterocr.run.dashboard import describe_tag

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary


class EventFile:
    """An event file that is being written; files of an earlier process are not changed.

    Args:
        folder: its folder, which TensorBoard shows as a run of its own; made if missing.
        first_sample: samples learned already; TensorBoard hides what earlier files have above it.

    Raises:
        OSError: the folder can't be written.
    """

    def __init__(self, folder: Path, first_sample: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        self.make_event = Event  # the class, kept so that every write needs no import
        self._described: set[str] = set()  # tags whose first value, with the description, is written
        self._records = RecordWriter(_name_event_file(folder).open("xb"))
        self.write(Event(file_version="brain.Event:2"))
        purge = first_sample + 1 if first_sample else 0
        self.write(Event(step=purge, session_log=SessionLog(status=SessionLog.START)))

    def write(self, event: Event) -> None:
        """Write an event, at the time of now."""
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())

    def write_scalars(self, step: int, scalars: dict[str, float]) -> None:
        """Write numbers by their tags, if there are any."""
        if scalars:
            event = self.make_event(step=step)
            for tag, value in scalars.items():
                self.describe(event.summary.value.add(tag=tag, simple_value=value))
            self.write(event)

    def describe(self, value: Summary.Value) -> None:
        """Give the first value of a tag the description that TensorBoard shows beside its title."""
        if value.tag not in self._described:
            self._described.add(value.tag)
            value.metadata.summary_description = describe_tag(value.tag)

    def flush(self) -> None:
        """Let TensorBoard see everything that was written."""
        self._records.flush()

    def close(self) -> None:
        """Close the file."""
        self._records.close()

    @property
    def is_closed(self) -> bool:
        """Whether the file is closed."""
        return bool(self._records.closed)


def _name_event_file(folder: Path) -> Path:
    """Return a file name that sorts after all event files in the folder, as TensorBoard reads them in this order."""
    earlier = (re.match(r"events\.out\.tfevents\.(\d{1,12})\.", path.name) for path in folder.glob("*tfevents*"))
    seconds = max([int(time.time()), *(int(match[1]) + 1 for match in earlier if match)])
    return folder / f"events.out.tfevents.{seconds:010d}.{socket.gethostname()}.{os.getpid()}"
