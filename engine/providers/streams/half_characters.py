"""Characters beyond U+FFFF, which some servers cut in two between frames: JSON has them as two escapes."""

_FIRST, _LAST_HIGH, _LAST = 0xD800, 0xDBFF, 0xDFFF


def is_half(character: str) -> bool:
    """Return whether `character` is the first half of one."""
    return _FIRST <= ord(character) <= _LAST_HIGH


def joined(half: str, text: str) -> str:
    """Return `text` after `half`, which is the first half of a character, or empty."""
    if not half or not _LAST_HIGH < ord(text[0]) <= _LAST:
        return half + text
    return (half + text[0]).encode("utf-16", "surrogatepass").decode("utf-16") + text[1:]
