"""letterocr: the laboratory for gradient descent seen as linear algebra."""

from __future__ import annotations

__version__ = "0.1.0"
