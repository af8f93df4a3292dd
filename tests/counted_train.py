"""The training command as a module that notes in a file, given first, how many samples it has learned."""

import mmap
import struct
import sys
from pathlib import Path
from unittest import mock

from letterocr.run.curve import Curve
from letterocr.train import main

with Path(sys.argv.pop(1)).open("r+b") as file:
    learned = mmap.mmap(file.fileno(), 8)
add = Curve.add


def add_and_note(curve: Curve, *arguments: object) -> None:
    add(curve, *arguments)
    learned[:8] = struct.pack("q", curve.sample)


with mock.patch.object(Curve, "add", add_and_note):
    main()
