"""What everything rests on: mistakes, files, random streams, signals, quartiles."""
