"""The page on which one draws a letter and watches the matrices work: its data, its modules and its one HTML file."""
