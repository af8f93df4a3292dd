"""Reference pages of the rooms: one page for each folder of the package, with all its modules (a hook of MkDocs)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOMS = (
    "base",
    "config",
    "data",
    "matrix",
    "models",
    "curvature",
    "optimizers",
    "engine",
    "compose",
    "figures",
    "pages",
    "run",
    "sweep",
    "reproduce",
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page of every room."""
    root = Path(config.config_file_path).parent
    for room in ROOMS:
        files.append(File.generated(config, f"rooms/{room}.md", content=write_page(root, room)))
    return files


def write_page(root: Path, room: str) -> str:
    """Return the page of a room: what it holds, as `docs/architecture.md` says, and a directive for each module."""
    held = re.search(rf"^\| `{room}/` \| ([^|]*) \|", (root / "docs" / "architecture.md").read_text(), re.M)
    parts = [f"# {room}/", f"What is here: {held[1] if held else 'a command, one module for each of its parts'}."]
    for path in sorted((root / "letterocr" / room).rglob("*.py")):
        if path.name != "__init__.py" and ast.get_docstring(ast.parse(path.read_text())):
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            parts.append(f"::: {name}\n    options: {{heading_level: 2, show_symbol_type_toc: false}}")
    return "\n\n".join(parts) + "\n"
