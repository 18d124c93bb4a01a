"""Names and other words of people, for use in Markdown texts."""

MOST_SHOWN_CHARS = 64


def as_code(name: str) -> str:
    """Return a name as code on one line, so that nothing in it is markup."""
    return f"`{' '.join(name.split()).replace('`', chr(39)) or '?'}`"


def as_shown(words: str) -> str:
    """Return words that a person sent as code, shortened to MOST_SHOWN_CHARS."""
    line = " ".join(words.split())
    return as_code(line if len(line) <= MOST_SHOWN_CHARS else f"{line[: MOST_SHOWN_CHARS - 1]}…")
