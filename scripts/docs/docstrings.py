"""Docstrings as Markdown: examples and tables of shapes become blocks of code (an extension of Griffe)."""

from __future__ import annotations

import re
from typing import Any

import griffe


class PlainDocstrings(griffe.Extension):
    """Makes docstrings, which are written as plain text, readable as Markdown."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of a module, class or function in place."""
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value, obj.is_module)


def to_markdown(text: str, module: bool) -> str:
    r"""Return a docstring so that its plain blocks stay as they are.

    Args:
        text: the docstring, without indentation.
        module: whether indented lines are a block, as in module docstrings; elsewhere they belong to sections.

    Example:
        >>> to_markdown("Shapes: N letters\n    a [N]", module=True)
        'Shapes: N letters\n\n    a [N]'
    """
    text = re.sub(r"(?m)^Example:$", "Examples:", text)
    return re.sub(r"(?m)^(\S.*)\n(?=    )", r"\1\n\n", text) if module else text
