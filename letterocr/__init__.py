"""letterocr: the laboratory for gradient descent seen as linear algebra."""

__version__ = "0.1.0"
