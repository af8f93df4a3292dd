"""Pages of runs: `letterocr show RUN` for one run, `letterocr show RUN RUN ...` for several side by side."""
