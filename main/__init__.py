"""The composition root and the command line: `python -m main`."""
