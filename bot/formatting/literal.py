"""Names that people chose, for use in Markdown texts."""


def as_code(name: str) -> str:
    """Return a name as code on one line, so that nothing in it is markup."""
    return f"`{' '.join(name.split()).replace('`', chr(39)) or '?'}`"
