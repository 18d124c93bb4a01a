"""One provider a file: its SPEC, with the facts and their sources."""
