"""The table of the paper's equations and the functions that compute them, made from docstrings (a hook of MkDocs).

A function belongs to an equation if the first sentence of its docstring cites it, as in (8), (29-31) or Fig. 4.
`tests/test_equations.py` checks that every row has a function.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.pages import Page

# Rows: equations and figures of the paper, what they say (mended where the paper has an error), as LaTeX and in words.
ROWS: tuple[tuple[str, str, str], ...] = (
    ("1", r"W \in \mathbb{R}^{26 \times 900}", "the weight matrix of the two-layer network (printed as 900x26)"),
    ("2; Fig. 1", r"q = W a", "the two-layer network"),
    ("3", r"c = e_k", "the correct output of letter k is a unit vector"),
    ("4", r"\lVert q - c \rVert^2", "the loss; (20) is the gradient of half of it"),
    ("5, 6", r"W \leftarrow W - 2 \alpha (q - c) a^T", "its gradient, an outer product, and the update"),
    ("7", r"I = W A", "the two-layer network as a factorization, with the alphabet matrix A"),
    ("8", r"W = (A^T A)^{-1} A^T", "the left inverse"),
    ("Fig. 3", r"W a", "a handwritten E that the left inverse misreads as L"),
    ("9", r"L + F \approx E", "letters are nearly sums and differences of others"),
    ("9b", r"L + T - B + 3 \approx I", "the same with a digit; letters with digits have 36 columns in A"),
    ("10, 11", r"A d = 0 \Rightarrow W A d = 0 \neq d", "no linear map is right where such a relation is exact"),
    ("12", r"q = W a + b", "a bias, which mends one relation at most"),
    ("13; Fig. 4", r"A_r = \sum_{i=1}^{r} \sigma_i u_i v_i^T", "a letter from the first r singular values"),
    ("Fig. 5", r"\sigma_1 \geq \dots \geq \sigma_{26}", "the singular values of A, and its effective rank"),
    ("14; Fig. 6", r"W_h, b_h, W_q, b_q", "the weights and biases of the three-layer network"),
    ("15", r"s(x) = \frac{1}{1 + e^{-x/T}}", "the sigmoid and its temperature T"),
    ("16", r"q = s(W_q s(W_h a + b_h) + b_q)", "the outputs of the three-layer network"),
    ("17, 18", r"v_k = W_{k+1}^T v_{k+1} \odot s'(\tilde h_k)", "the error vectors, with the derivative"),
    ("19", r"v_q = q - c, \quad v_h = W_q^T v_q", "the error vectors as printed, without a derivative"),
    ("20", r"W_k \leftarrow W_k - \alpha v_k h_{k-1}^T", "the update of every weight matrix"),
    ("21-25", r"W_q W_h A d = 0", "what a linear hidden layer can do for a relation: no more than (12)"),
    ("26, 27", r"W = W_q W_h, \quad b = W_q b_h + b_q", "linear layers are one"),
    ("28", r"W_q V, \quad V^T (V V^T)^{-1} W_h", "the symmetry of a hidden layer"),
    ("29", r"R = \frac{1}{p} A A^T, \quad \alpha = 1 / \lambda_{\max}", "the correlation matrix and the learning rate"),
    ("30, 31", r"R W^T = Z, \quad Z = \frac{1}{p} A C^T", "the equation that the best W solves"),
    ("Fig. 7", r"", "error against samples: two layers and three"),
    ("Fig. 8", r"", "error against samples: four layers"),
)
# Where a reader looks first: the mathematics, then what draws and judges it, then the engines.
ORDER = ("matrix", "models", "optimizers", "data", "curvature", "figures", "reproduce", "engine")
SKIPPED = "letterocr.engine.gpu."  # the kernels repeat the equations of the engines
_NUMBER = r"\d{1,2}(?:[ab]|-\d{1,2})?"
_NUMBERS = rf"{_NUMBER}(?:, {_NUMBER})*"
_GROUP = rf"(?:Fig\. )?{_NUMBERS}"
_CITED = re.compile(rf"\((?:Kantack 2020, |in )?({_GROUP}(?:; {_GROUP})*)(?:[,;] [a-z][^()]*)?\)|(Fig\. {_NUMBERS})")


@dataclass(frozen=True)
class Cited:
    """A function or class whose first sentence cites equations or figures of the paper.

    Attributes:
        name: its full name, such as `letterocr.matrix.spectrum.reconstruct`.
        keys: what it cites, such as `13` and `Fig. 4`.
    """

    name: str
    keys: frozenset[str]


def expand_keys(text: str) -> frozenset[str]:
    """Return the single equations and figures of a citation.

    Example:
        >>> sorted(expand_keys("7, 9b, 29-31; Fig. 4, 5"))
        ['29', '30', '31', '7', '9b', 'Fig. 4', 'Fig. 5']
    """
    found: set[str] = set()
    for part in text.split(";"):
        figure = "Fig. " if "Fig." in part else ""
        for first, half, last in re.findall(r"(\d+)([ab]?)(?:-(\d+))?", part):
            found |= {f"{figure}{k}{half}" for k in range(int(first), int(last or first) + 1)}
    return frozenset(found)


def find_citations(package: Path) -> list[Cited]:
    """Return everything public in the package whose first sentence cites the paper, in the order of a table."""
    found = [cited for path in sorted(package.rglob("*.py")) for cited in _read_module(path, package.parent)]
    places = {room: place for place, room in enumerate(ORDER)}
    return sorted(found, key=lambda cited: (places.get(cited.name.split(".")[1], len(ORDER)), cited.name))


def _read_module(path: Path, root: Path) -> Iterator[Cited]:
    module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    for name, node in _list_definitions(ast.parse(path.read_text(encoding="utf-8")), module):
        summary = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
        cited = ["".join(groups) for groups in _CITED.findall(summary)]
        keys = frozenset().union(*map(expand_keys, cited))
        if keys and not name.startswith(SKIPPED):
            yield Cited(name, keys)


def _list_definitions(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, Any]]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield f"{prefix}.{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from _list_definitions(child, f"{prefix}.{child.name}")


def list_functions(row: str, citations: list[Cited]) -> list[str]:
    """Return the full names of what cites one of the equations or figures of a row."""
    keys = expand_keys(row)
    return [cited.name for cited in citations if cited.keys & keys]


def write_table(package: Path) -> str:
    """Return the table as Markdown."""
    citations = find_citations(package)
    lines = ["| paper | equation | what it says | functions |", "|---|---|---|---|"]
    for row, latex, words in ROWS:
        paper = "; ".join(part if "Fig." in part else f"({part})" for part in row.split("; "))
        functions = "<br>".join(f"[`{_shorten(name)}`][{name}]" for name in list_functions(row, citations))
        lines.append(f"| {paper} | {f'${latex}$' if latex else ''} | {words} | {functions} |")
    return "\n".join(lines)


def _shorten(name: str) -> str:
    """Return a full name from its module on, without the module of a method: `chain.Network`, `Network.forward`."""
    return ".".join(name.split(".")[-2:])


def write_face(package: Path) -> str:
    """Return the names of `letterocr.matrix` as links, each with the first line of its docstring."""
    tree = ast.parse((package / "matrix" / "__init__.py").read_text(encoding="utf-8"))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names = {a.name: n.module for n in imported for a in n.names if str(n.module).startswith("letterocr.matrix.")}
    lines = ["| name | what it is |", "|---|---|"]
    for name, module in sorted({"alphabet": "letterocr.matrix.letter_matrix", **names}.items()):
        defined = {"alphabet": "alphabet_matrix"}.get(name, name)
        source = package.parent.joinpath(*str(module).split(".")).with_suffix(".py").read_text(encoding="utf-8")
        docs = dict(_list_definitions(ast.parse(source), str(module)))
        summary = (ast.get_docstring(docs[f"{module}.{defined}"]) or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"| [`{name}`][{module}.{defined}] | {summary.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Put the tables into their pages."""
    package = Path(config.config_file_path).parent / "letterocr"
    if page.file.src_uri == "equations.md":
        return markdown.replace("<!-- equations -->", write_table(package))
    if page.file.src_uri == "api/matrix.md":
        return markdown.replace("<!-- matrix face -->", write_face(package))
    return markdown
