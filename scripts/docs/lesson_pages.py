"""Pages of the lessons: each notebook of `examples/` as Markdown, its figures as files (a hook of MkDocs)."""

from __future__ import annotations

import base64
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbformat import NotebookNode

FOLDER = "lessons"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page and the figures of every lesson."""
    for path in sorted((Path(config.config_file_path).parent / "examples").glob("[0-9]*.ipynb")):
        text, figures = write_page(nbformat.read(path, as_version=4), path.stem)
        files.append(File.generated(config, f"{FOLDER}/{path.stem}.md", content=text))
        for name, content in figures.items():
            files.append(File.generated(config, f"{FOLDER}/{name}", content=content))
    return files


def write_page(notebook: NotebookNode, name: str) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as Markdown, and its figures by the names of their files."""
    parts: list[str] = []
    figures: dict[str, bytes] = {}
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            heading = ([heading, *(line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#"))])[-1]
            if len(parts) == 1:
                parts.append(f"*This page is the notebook `examples/{name}.ipynb`, which you can run and change.*")
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            if output.output_type == "stream":
                parts.append(f'```text title="prints"\n{output.text.rstrip()}\n```')
            else:
                figure = f"{name}-{len(figures) + 1}.png"
                figures[figure] = base64.b64decode(output.data["image/png"])
                parts.append(f"![Figure: {heading}]({figure})")
    return "\n\n".join(parts) + "\n", figures
