"""The refusal of a field's value, in one sentence."""

from __future__ import annotations

from typing import NoReturn

from letterocr.base.errors import UserError


def refuse(place: str, value: object, mend: str) -> NoReturn:
    """Refuse a field's value in one sentence.

    Args:
        place: the field, named as on the command line.
        value: its value.
        mend: what it must be, or what to take instead, without a full stop.

    Raises:
        UserError: always.
    """
    raise UserError(f"{place}={value}: {mend}.")
