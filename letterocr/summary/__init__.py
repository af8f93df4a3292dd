"""Summary of a sweep as one table: `python -m letterocr.summary FOLDER`."""
