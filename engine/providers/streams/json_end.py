"""JsonEnd: finds the end of a JSON object or array that arrives in pieces."""

import re

_SPECIAL = re.compile(r'["\\{}\[\]]')


class JsonEnd:
    """Finds the end of one value without parsing it. `depth`: the number of open objects and arrays.

    `is_in_text`: a string is open.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.is_in_text = False
        self._skipped = 0  # number of escaped characters at the start of the next piece

    def feed(self, piece: str) -> int | None:
        """Return the position in `piece` just after the value, or None if the value continues. Takes linear time."""
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
