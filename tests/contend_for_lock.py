"""Take and release the lock of a folder many times, and count under it: two holders at once would lose a count.

python -m contend_for_lock FOLDER TIMES
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from letterocr.base.errors import RunningError
from letterocr.run.lock import Lock


def _main(folder: Path, times: int) -> None:
    taken = refused = 0
    counter = folder.parent / "counter"
    while taken < times:
        try:
            with Lock(folder):
                count = int(counter.read_text()) if counter.exists() else 0
                counter.write_text(str(count + 1))
            taken += 1
        except RunningError:
            refused += 1
            time.sleep(0.001)
    print(refused)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]))
