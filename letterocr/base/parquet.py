"""Tables of numbers in parquet files; each page has a checksum, so that a changed byte is noticed.

A file is read only if its size agrees with the number of rows that it claims, as a few bytes may stand for any number
of equal values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from letterocr.base.files import replace_file
from letterocr.base.untrusted import open_plain

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 20_000_000  # a file may have so many rows, or one for each of its bytes


def write_table(table: pa.Table, path: Path) -> None:
    """Replace a parquet file as a whole."""
    import pyarrow.parquet as pq

    with replace_file(path) as temporary:
        pq.write_table(table, temporary, write_page_checksum=True)


def read_columns(
    path: Path, choose: Callable[[list[str]], Sequence[str]] = list
) -> tuple[dict[str, np.ndarray], dict[bytes, bytes]]:
    """Read columns of numbers by name.

    Args:
        path: the parquet file.
        choose: returns the columns to read from the names of all.

    Returns:
        The columns, all of the same length, and the metadata of the file.

    Raises:
        ValueError: the file can't be read, a column is missing or holds something other than numbers.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        open_plain(path).close()
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            if file.metadata.num_rows > max(ROWS, path.stat().st_size):
                raise ValueError(f"it claims {file.metadata.num_rows:,} rows")
            schema = file.schema_arrow
            wanted = choose(schema.names)
            for name in wanted:
                _check_type(schema, name)
            table = file.read(columns=wanted)
    except (pa.ArrowException, MemoryError, OSError) as error:  # their texts have several lines
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    return {name: table[name].to_numpy() for name in wanted}, dict(schema.metadata or {})


def _check_type(schema: Any, name: str) -> None:
    import pyarrow.types as kinds

    if schema.names.count(name) != 1:
        raise ValueError(f"it has no column {name}" if name not in schema.names else f"it has two columns {name}")
    kind = schema.field(name).type
    if not (kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind)):
        raise ValueError(f"its column {name} holds no numbers")
