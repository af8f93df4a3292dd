"""Summary of a sweep as one table: `letterocr summary FOLDER`."""
