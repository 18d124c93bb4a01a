"""RepeatedArguments: the new part of each piece, if a server repeats all earlier arguments of a call in every piece."""

from engine.providers.streams.json_end import JsonEnd

START_CHARS = 6  # of the arguments, by which a repetition is searched for: `{"city`
_BEFORE_AN_OBJECT = (":", "[", ",")
_MOST_CHARS, _MOST_PLACES = 200_000, 4


class RepeatedArguments:
    """The pieces of one call's arguments, which begin as a JSON object.

    A piece that begins with all arguments before it repeats them, because JSON has no place there for the same object
    again. The exception is a piece where a value may follow: it is held back until the next piece, or the end, decides.
    """

    def __init__(self) -> None:
        self._is_known = False  # True once a piece has repeated the earlier ones
        self._held = ""

    @property
    def is_undecided(self) -> bool:
        return bool(self._held)

    def new_part(self, piece: str, known: str) -> str:
        """Return the part of `piece` that is not in `known`, the arguments so far."""
        if self._held:
            held, self._held = self._held, ""
            self._is_known = piece.startswith(held)
            return piece[len(known) :] if self._is_known else held + piece
        if not piece.startswith(known):
            return piece
        if not self._is_known and known.rstrip().endswith(_BEFORE_AN_OBJECT) and not _is_in_text(known):
            self._held = piece
            return ""
        self._is_known = True
        return piece[len(known) :]

    def rest(self, known: str) -> str:
        """Return the part that was held back, when nothing follows."""
        held, self._held = self._held, ""
        return held[len(known) :] if JsonEnd().feed(held) == len(held.rstrip()) else held


def without_repetition(piece: str, known: str) -> str:
    """Return a piece without the arguments so far, if it goes on and then begins anew with all of them.

    SGLang sent `{"a": 1{"a": 1, "b": 2}` in one or two pieces.
    """
    whole = known + piece
    if len(whole) > _MOST_CHARS:
        return piece
    at, start = 0, whole[:START_CHARS]
    for _ in range(_MOST_PLACES):
        at = whole.find(start, max(at + 1, len(known)))
        if at < 0:
            break
        before, after = whole[:at], whole[at:]
        if after.startswith(before) and not before.rstrip().endswith(_BEFORE_AN_OBJECT):
            return before[len(known) :] + after[len(before) :]
    return piece


def _is_in_text(known: str) -> bool:
    scan = JsonEnd()
    scan.feed(known)
    return scan.is_in_text
