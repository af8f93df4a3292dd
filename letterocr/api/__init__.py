"""What `import letterocr` offers to scripts and notebooks; the commands are thin over it."""
