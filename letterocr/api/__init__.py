"""Python interface for scripts and notebooks: the functions and classes of `import letterocr`."""
