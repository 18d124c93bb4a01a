"""Development tools of this repository. Standard library only."""
