"""ToolCalls: the tool calls of one choice as one clean sequence of deltas, in whatever form the server streams them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.chat import ToolCallDelta
from engine.errors import Garbled
from engine.providers.streams.json_end import JsonEnd
from engine.providers.streams.odd_arguments import EMPTY, is_nothing, object_text
from engine.providers.streams.repeated_arguments import START_CHARS, RepeatedArguments, without_repetition
from engine.providers.tool_ids import carrying, new_id

MOST_CALLS = 128  # in one choice
_MOST_NOTHING_CHARS = 16
MOST_HELD_CHARS = 1_000_000  # of arguments that wait for the call's name


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of a tool call as a server sent it. Fields that were not sent are None or empty."""

    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""
    signature: str = ""


@dataclass(slots=True, eq=False)
class _Call:
    """One call. Its first delta is sent with the first arguments, because until then the name may come in pieces."""

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

    @property
    def is_whole(self) -> bool:
        """True if the arguments are a complete JSON value."""
        return self._is_whole

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
        self._add(self._new_part(piece.arguments))

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
                    return
                self._scan, self._is_whole, self._pending, self._first_sign = JsonEnd(), False, "", ""
                self.text.clear()
                self._chars = 0
            end = self._scan.feed(arguments)
            piece, arguments = (arguments, "") if end is None else (arguments[:end], arguments[end:])
            self.text.append(piece)
            self._chars += len(piece)
            self._pending += piece
            self._first_sign = self._first_sign or piece.lstrip()[:1]
            self._is_whole = end is not None or (self._is_odd and self._is_odd_whole())
            if (self.position is None or self._is_odd) and len(self._pending) > MOST_HELD_CHARS:
                raise Garbled("arguments of a call without a name")

    def _is_odd_whole(self) -> bool:
        if self._first_sign == '"':
            return not self._scan.is_in_text
        return len(self._pending) <= _MOST_NOTHING_CHARS and is_nothing(self.arguments)

    def pull(self, *, final: bool) -> str | None:
        """Return the arguments to pass on now, None if there are none. `final`: the choice has ended."""
        if final:
            self._decide()
        held, begun = self._pending, self.position is not None
        if final and not self.arguments.strip():
            self._is_whole, self.text, self._pending = True, [EMPTY], ""
            return EMPTY
        if self._is_odd:
            held = object_text(self.arguments) if final and held else ""
        if (
            not self.name
            or not (held if begun else held.strip())
            or (held == EMPTY == self.arguments and not final and not begun)
        ):
            return None
        self._pending = ""
        return held


class ToolCalls:
    """The calls of one choice. The first delta of each has its id and name, later ones only arguments.

    A missing or repeated id is replaced by a new one; positions count from 0 without gaps; if the server sends no
    arguments, they are `{}`.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._ids: set[str] = set()

    @property
    def is_cut(self) -> bool:
        """True if the arguments of a call end in the middle of their JSON."""
        return any(call.is_cut for call in self._calls)

    def take(self, pieces: Sequence[CallPiece], *, at_end: bool = False) -> list[ToolCallDelta]:
        """Return the deltas of one frame. `at_end`: the frame ends the choice, and may repeat whole calls."""
        known = len(self._calls)
        for number, piece in enumerate(pieces):
            if not self._is_repeated(piece, known, at_end=at_end):
                self._call_of(piece, self._before(number, len(pieces), known)).take(piece)
        return self._deltas(final=False)

    def take_message(self, pieces: Sequence[CallPiece]) -> list[ToolCallDelta]:
        """Return the deltas of a complete message, which may repeat the calls that were streamed before it."""
        known = len(self._calls)
        for number, piece in enumerate(pieces):
            if number < known and piece.name in {"", self._calls[number].name}:
                self._calls[number].take_rest(piece)
            else:
                self._new(piece).take(piece)
        return self._deltas(final=False)

    def end(self) -> list[ToolCallDelta]:
        """Return the rest when the choice ends. Raises Garbled for a call without a name."""
        return self._deltas(final=True)

    def _before(self, number: int, pieces: int, known: int) -> _Call | None:
        """Return the call that a piece without index and id continues: by its place in the frame, else the last one."""
        if pieces > 1:
            return self._calls[number] if number < known else None
        return self._calls[-1] if self._calls else None

    def _is_repeated(self, piece: CallPiece, known: int, *, at_end: bool) -> bool:
        """Return whether the piece repeats one of the first `known` calls: same content, no different id.

        Some servers end a stream with all calls again.
        """
        return bool(piece.name) and any(
            call.name == piece.name
            and (not piece.id or piece.id == call.id)
            and call.is_whole
            and (at_end or len(call.text) > 1)
            and (call.arguments == piece.arguments or {call.arguments, piece.arguments} <= {"", EMPTY})
            for call in self._calls[:known]
        )

    def _call_of(self, piece: CallPiece, before: _Call | None) -> _Call:
        known = self._by_index.get(piece.index) if piece.index is not None else self._by_id.get(piece.id, before)
        if known is None and self._calls and not piece.id and not piece.name:
            known = self._calls[-1]  # some servers count the index on within one call
        if known is None or _is_another(piece, known):
            return self._new(piece)
        return known

    def _new(self, piece: CallPiece) -> _Call:
        if len(self._calls) >= MOST_CALLS:
            raise Garbled(f"over {MOST_CALLS} tool calls")
        call = _Call()
        self._calls.append(call)
        if piece.index is not None:
            self._by_index[piece.index] = call
        if piece.id:
            self._by_id[piece.id] = call
        return call

    def _deltas(self, *, final: bool) -> list[ToolCallDelta]:
        found: list[ToolCallDelta] = []
        for call in self._calls:
            if not call.name:
                if final and call.text:
                    raise Garbled("a tool call without a name")
                continue
            arguments = call.pull(final=final)
            if call.position is not None:
                if arguments:
                    found.append(ToolCallDelta(call.position, arguments=arguments))
            elif arguments is not None or call is not self._calls[-1]:
                found.append(self._first(call, arguments or ""))
        return found

    def _first(self, call: _Call, arguments: str) -> ToolCallDelta:
        call.position = sum(each.position is not None for each in self._calls)
        own = new_id() if not call.id or call.id in self._ids else call.id
        self._ids.add(own)
        return ToolCallDelta(
            call.position,
            carrying(own, call.signature) if call.signature else own,
            call.name,
            arguments,
            call.signature,
        )


def _is_another(piece: CallPiece, known: _Call) -> bool:
    """Return whether a piece at the position of `known` begins another call.

    Servers that send no index, or 0 for all calls, begin each call with its name. Some servers repeat the name in every
    piece, others a new id; neither begins a call while the arguments of the last one are incomplete.
    """
    if not piece.name:
        return False
    if piece.id and known.id and piece.id != known.id:
        return known.is_whole or (not known.text and piece.name != known.name)
    if piece.id and piece.id == known.id:
        return known.is_whole and piece.name != known.name
    return known.is_whole
