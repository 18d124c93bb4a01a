"""JsonEnd: the end of a JSON object or array that comes in pieces."""

import re

_SPECIAL = re.compile(r'["\\{}\[\]]')


class JsonEnd:
    """Finds the end of one value without parsing it. `depth`: objects and arrays that are open.

    `is_in_text`: a text has begun and not ended.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.is_in_text = False
        self._skipped = 0  # characters at the beginning of the next piece that are escaped

    def feed(self, piece: str) -> int | None:
        """Return the place in `piece` just after the value, None where it goes on. Takes time linear in the piece."""
        begins = self._skipped
        for found in _SPECIAL.finditer(piece):
            at, sign = found.start(), found.group()
            if at < begins:
                continue
            if self.is_in_text:
                if sign == "\\":
                    begins = at + 2
                elif sign == '"':
                    self.is_in_text = False
            elif sign == '"':
                self.is_in_text = True
            elif sign in "{[":
                self.depth += 1
            elif sign in "}]":
                self.depth -= 1
                if self.depth <= 0:
                    return at + 1
        self._skipped = max(0, begins - len(piece))
        return None
