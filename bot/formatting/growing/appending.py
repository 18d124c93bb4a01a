"""Text that only grows: shown text stays, and a later version only adds the text that follows it."""

from dataclasses import dataclass

from bot.formatting.blocks import HIDDEN

MOST_MARKS = 4
COMPARED = (32, 12, 6)
"""How many of the last shown letters are searched in a text whose letters differ before them."""


@dataclass(frozen=True, slots=True)
class Appended:
    """The text that was shown, followed by the rest of a later version.

    `differs_at`: the position of that rest in the later version, if its letters before are not the shown ones.
    """

    text: str
    differs_at: int | None = None


def append(shown: str, text: str) -> Appended:
    """Add the part of `text` behind the letters and digits that were shown.

    A mark that was shown before it proved to be one, or the other way round, does not change the letters.
    """
    if text.startswith(shown):
        return Appended(text)
    known, places = _letters(shown), [at for at, char in enumerate(text) if _is_letter(char)]
    letters = "".join(text[at] for at in places)
    if known != letters and known.startswith(letters):
        return Appended(shown)
    count = len(known) if letters.startswith(known) else _last_known(known, letters)
    differs = count is None
    if count is None:
        count = _common(known, letters)
    start = places[count - 1] + 1 if count else 0
    last = next((at for at in range(len(shown), 0, -1) if _is_letter(shown[at - 1])), 0)
    added = _behind(shown[last:], text[start:])
    return Appended(shown + added, len(text) - len(added) if differs else None)


def _last_known(known: str, letters: str) -> int | None:
    """Return the number of letters up to the last ones that were shown; None if these are not among them.

    Of several places the first behind the common beginning counts: then text may be shown twice, but none is lost.
    """
    same = _common(known, letters)
    ends = ((letters.find(known[-size:], max(0, same - size)), size) for size in COMPARED if len(known) >= size)
    return next((at + size for at, size in ends if at >= 0), None)


def _behind(marks: str, text: str) -> str:
    """Return the text without the marks that were shown, which may follow after a few others."""
    at = text.find(marks, 0, len(marks) + MOST_MARKS)
    if at >= 0 and not _letters(text[:at]):
        return text[at + len(marks) :]
    return text[_common(marks, text) :]


def _common(one: str, other: str) -> int:
    """Return the length of the beginning that two texts have in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (first, second) in pairs if first != second), min(len(one), len(other)))


def _letters(text: str) -> str:
    return "".join(filter(_is_letter, text))


def _is_letter(char: str) -> bool:
    return char.isalnum() or char == HIDDEN
