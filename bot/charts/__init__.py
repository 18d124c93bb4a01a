"""Charts as PNG pictures at a phone's width."""
