"""Names that people chose, in texts that are Markdown."""


def as_code(name: str) -> str:
    """Return a name as code on one line, so that nothing in it is markup."""
    return f"`{' '.join(name.split()).replace('`', chr(39)) or '?'}`"
