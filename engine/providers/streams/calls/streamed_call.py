"""StreamedCall: one tool call from the pieces that a server streams, whatever it repeats, holds back or adds."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice

from engine.errors import Garbled
from engine.providers.streams.calls.odd_arguments import EMPTY, is_nothing, mended_object, object_text
from engine.providers.streams.calls.repeated_arguments import START_CHARS, RepeatedArguments, without_repetition
from engine.providers.streams.json_end import JsonEnd
from engine.providers.streams.whole_objects import has_grown, is_object, is_same

_encode = json.JSONEncoder(ensure_ascii=False).encode
_MOST_NOTHING_CHARS = 16
_HARMLESS = " \t\r\n]}`"  # signs that some models write after the arguments
_GOES_ON = re.compile(r'[{:]|,\s*["{]')
_NULL = "null"  # at the start of the arguments it stands for none, later it is a value in them
_LEAST_PAIRED = 4  # pieces of a call that may all have come twice
_MOST_LATER = 32  # repetitions of the arguments after them
MOST_HELD_CHARS = 1_000_000  # of arguments that wait for the call's name


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of a tool call as a server sent it. Fields that were not sent are None or empty.

    `is_text`: the arguments are the plain text of a custom tool's input.
    """

    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""
    signature: str = ""
    is_text: bool = False


@dataclass(slots=True, eq=False)
class StreamedCall:
    """One call. Its first delta is sent with the first arguments, because until then the name may come in pieces.

    Arguments that arrive complete in one piece wait for the next call or the end: some servers send them complete again
    and again while they grow.
    """

    index: int | None = None
    id: str = ""
    name: str = ""
    signature: str = ""
    text: list[str] = field(default_factory=list)  # the arguments that came
    position: int | None = None  # None: nothing has gone out
    _scan: JsonEnd = field(default_factory=JsonEnd)
    _pending: str = ""
    _is_whole: bool = False
    _first_sign: str = ""
    _chars: int = 0
    _start: str = ""  # the first characters of the arguments
    _repeated: RepeatedArguments = field(default_factory=RepeatedArguments)
    _pieces: list[str] = field(default_factory=list)  # the arguments as they were sent
    _is_of_text: bool = False
    _later: str = ""  # what came after the complete arguments

    @property
    def is_whole(self) -> bool:
        """True if the arguments are a complete JSON value."""
        return self._is_whole

    @property
    def is_held(self) -> bool:
        """True if nothing has been passed on of arguments that arrived complete in one piece."""
        return self.position is None and self._is_whole and len(self.text) == 1

    @property
    def is_cut(self) -> bool:
        """True if the arguments are the beginning of a JSON value."""
        return not self._is_whole and (self._scan.depth > 0 or self._scan.is_in_text)

    @property
    def arguments(self) -> str:
        return "".join(self.text)

    @property
    def _is_odd(self) -> bool:
        """True if the arguments do not begin as an object: they are passed on at the end, when they can be read."""
        return self._first_sign not in {"", "{"}

    def take(self, piece: CallPiece) -> None:
        self.id, self.signature = self.id or piece.id, self.signature or piece.signature
        if piece.name and piece.name != self.name and not (self.name and self.text):
            self.name = piece.name if piece.name.startswith(self.name) else self.name + piece.name
        if piece.is_text:
            self._add_text(piece.arguments)
            return
        if self.is_held and has_grown(self.arguments, piece.arguments):
            self._begin_anew()
        if self.text or piece.arguments != _NULL:
            self._pieces.append(piece.arguments)
            self._add(self._new_part(piece.arguments))

    def _add_text(self, text: str) -> None:
        """Add a piece of a custom tool's input, which becomes the only property of an object."""
        if not self._is_of_text:
            self._is_of_text = True
            self._add('{"input":"')
        self._add(_encode(text)[1:-1])

    def _new_part(self, arguments: str) -> str:
        """Return the part of a piece that is new. Most pieces are new as a whole, which is decided first."""
        repeated = self._repeated
        may_repeat = len(arguments) >= self._chars and self._first_sign == "{" and arguments.startswith(self.text[0])
        if self._is_whole or not arguments:
            return arguments
        if may_repeat or repeated.is_undecided:
            return repeated.new_part(arguments, self.arguments)
        return self._without_repetition(arguments)

    def _without_repetition(self, arguments: str) -> str:
        """Return a piece without the arguments so far, which may begin anew within it."""
        if len(self._start) < START_CHARS:
            self._start = (self._start + arguments)[:START_CHARS]
        if self._start[:1] != "{" or arguments.find(self._start, 0 if self._chars else 1) < 0:
            return arguments
        return without_repetition(arguments, self.arguments)

    def take_rest(self, piece: CallPiece) -> None:
        """Take a repetition of the whole call: only the arguments beyond the known ones are new."""
        self._decide()
        known = self.arguments
        if piece.arguments.startswith(known):
            self._add(piece.arguments[len(known) :])

    def _decide(self) -> None:
        """Add a piece that was held back, because nothing that could repeat it follows."""
        if self._repeated.is_undecided:
            self._add(self._repeated.rest(self.arguments))

    def _add(self, arguments: str) -> None:
        """Add a piece. Nothing may follow a complete value, except the real arguments after the placeholder `{}`."""
        while arguments:
            if self._is_whole:
                if not (self._pending == EMPTY == self.arguments and arguments.lstrip().startswith("{")):
                    self._later = (self._later + arguments)[:MOST_HELD_CHARS]
                    return
                self._begin_anew()
            end = self._scan.feed(arguments)
            piece, arguments = (arguments, "") if end is None else (arguments[:end], arguments[end:])
            self.text.append(piece)
            self._chars += len(piece)
            self._pending += piece
            self._first_sign = self._first_sign or piece.lstrip()[:1]
            self._is_whole = end is not None or (self._is_odd and self._is_odd_whole())
            if (self.position is None or self._is_odd) and len(self._pending) > MOST_HELD_CHARS:
                raise Garbled("arguments of a call without a name")

    def _begin_anew(self) -> None:
        self._scan, self._is_whole, self._pending, self._first_sign = JsonEnd(), False, "", ""
        self.text.clear()
        self._chars = 0

    def check(self) -> None:
        """Raise Garbled if the arguments may be wrong: others came after them, or each piece came twice."""
        later = list(islice(_values(self._later), _MOST_LATER))
        if len(later) == _MOST_LATER or any(not is_same(self.arguments, each) for each in later):
            raise Garbled("a tool call with two sets of arguments")
        if self._came_twice():
            raise Garbled("pieces of a tool call that came twice")

    def _came_twice(self) -> bool:
        """Return whether pieces came twice: all of them, or so many that the rest alone is a complete object."""
        pieces = self._pieces
        if len(pieces) >= _LEAST_PAIRED and pieces[::2] == pieces[1::2] and is_object("".join(pieces[::2])):
            return True
        once = "".join(piece for piece, _ in groupby(pieces))
        return once != self.arguments and is_object(once) and not is_object(self.arguments)

    def _is_odd_whole(self) -> bool:
        if self._first_sign == '"':
            return not self._scan.is_in_text
        return len(self._pending) <= _MOST_NOTHING_CHARS and is_nothing(self.arguments)

    def pull(self, *, final: bool) -> str | None:
        """Return the arguments to pass on now, None if there are none. `final`: the choice has ended."""
        if final:
            self._decide()
            if self._is_of_text and not self._is_whole:
                self._add('"}')
        held, begun = self._pending, self.position is not None
        if final and not self.arguments.strip():
            self._is_whole, self.text, self._pending = True, [EMPTY], ""
            return EMPTY
        if self._is_odd:
            held = object_text(self.arguments) if final and held else ""
            self._is_whole = self._is_whole or is_object(held)
        if (
            not self.name
            or not (held if begun else held.strip())
            or (held == EMPTY == self.arguments and not final and not begun)
        ):
            return None
        self._pending = ""
        return mended_object(held) if self.is_held else held


def _values(later: str) -> Iterator[str]:
    """Yield the JSON values in what came after the arguments, and the rest if it goes on with other properties."""
    while later := later.lstrip(_HARMLESS):
        end = JsonEnd().feed(later) if later.startswith("{") else None
        if end is None:
            if _GOES_ON.match(later):
                yield later
            return
        yield later[:end]
        later = later[end:]
