"""Tiếng Việt. A key that is missing here is read from English."""

TEXTS: dict[str, str] = {}
