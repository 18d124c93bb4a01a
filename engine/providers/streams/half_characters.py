"""Characters beyond U+FFFF that a server has cut in two: JSON writes them as two escapes, perhaps in two frames."""

_FIRST, _LAST_HIGH, _LAST = 0xD800, 0xDBFF, 0xDFFF


def is_half(character: str) -> bool:
    """Return whether `character` is the first half of a character that was cut in two."""
    return _FIRST <= ord(character) <= _LAST_HIGH


def joined(half: str, text: str) -> str:
    """Return `half` and `text` joined. `half` is empty, or the first half of a character whose rest begins `text`."""
    if not half or not _LAST_HIGH < ord(text[0]) <= _LAST:
        return half + text
    return (half + text[0]).encode("utf-16", "surrogatepass").decode("utf-16") + text[1:]
