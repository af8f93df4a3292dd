"""A sweep as one table: `python -m letterocr.summary FOLDER`."""
