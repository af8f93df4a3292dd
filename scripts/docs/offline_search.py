"""The search of a site that is opened from disk: no file is fetched, and its box has a name (a hook of MkDocs)."""

from __future__ import annotations

from typing import Any

from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

FETCHED, OWN = "https://unpkg.com/iframe-worker/shim", "theme/iframe-worker.js"


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Let a page load our own copy, and name the box for readers of screens."""
    named = output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"'
    )
    return named.replace(FETCHED, get_relative_url(OWN, page.url))


def on_post_template(output_content: str, **_: Any) -> str:
    """Let the page for addresses that do not exist load our own copy, too."""
    return output_content.replace(FETCHED, OWN)
