"""Vietnamese."""

NAME = "Tiếng Việt"
