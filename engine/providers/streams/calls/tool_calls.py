"""ToolCalls: the tool calls of one choice as one clean sequence of deltas, in whatever form the server streams them."""

from collections.abc import Sequence

from engine.chat import ToolCallDelta
from engine.errors import Garbled
from engine.providers.streams.calls.odd_arguments import EMPTY, may_begin
from engine.providers.streams.calls.streamed_call import CallPiece, StreamedCall
from engine.providers.streams.whole_objects import has_grown, is_object, is_same
from engine.providers.tool_ids import carrying, new_id

MOST_CALLS = 128  # in one choice
_MOST_GROWTHS = 1  # calls with all arguments of the call before them and more: two searches may be so


class ToolCalls:
    """The calls of one choice. The first delta of each has its id and name, later ones only arguments.

    A missing or repeated id is replaced by a new one; positions count from 0 without gaps; if the server sends no
    arguments, they are `{}`.
    """

    def __init__(self) -> None:
        self._calls: list[StreamedCall] = []
        self._by_index: dict[int, StreamedCall] = {}
        self._by_id: dict[str, StreamedCall] = {}
        self._ids: set[str] = set()
        self._growths = 0

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
        """Return the rest when the choice ends. Raises Garbled for a call without a name or in doubt."""
        return self._deltas(final=True)

    def _before(self, number: int, pieces: int, known: int) -> StreamedCall | None:
        """Return the call that a piece without index and id continues: by its place in the frame, else the last one."""
        if pieces > 1:
            return self._calls[number] if number < known else None
        return self._calls[-1] if self._calls else None

    def _is_repeated(self, piece: CallPiece, known: int, *, at_end: bool) -> bool:
        """Return whether the piece repeats one of the first `known` calls: same content, no different id.

        Some servers end a stream with all calls again, others send each frame twice.
        """
        return bool(piece.name) and any(
            call.name == piece.name
            and (not piece.id or piece.id == call.id)
            and call.is_whole
            and (at_end or len(call.text) > 1 or piece.index in {None, call.index})
            and (call.arguments == piece.arguments or {call.arguments, piece.arguments} <= {"", EMPTY})
            for call in self._calls[:known]
        )

    def _call_of(self, piece: CallPiece, before: StreamedCall | None) -> StreamedCall:
        known = self._by_index.get(piece.index) if piece.index is not None else self._by_id.get(piece.id, before)
        if known is None and self._calls and not piece.id and not piece.name:
            known = self._calls[-1]  # some servers count the index on within one call
        if known is None or _is_another(piece, known):
            if known is not None:
                self._check_growth(piece, known)
            return self._new(piece)
        return known

    def _check_growth(self, piece: CallPiece, known: StreamedCall) -> None:
        """Raise Garbled if calls with ids of their own have grown several times, so that they may be one call."""
        if piece.index is not None and piece.name == known.name and has_grown(known.arguments, piece.arguments):
            self._growths += 1
            if self._growths > _MOST_GROWTHS:
                raise Garbled("several tool calls, or one that grew")

    def _new(self, piece: CallPiece) -> StreamedCall:
        if len(self._calls) >= MOST_CALLS:
            raise Garbled(f"over {MOST_CALLS} tool calls")
        call = StreamedCall(piece.index)
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
            if call.is_held and call is self._calls[-1] and not final:
                continue
            arguments = call.pull(final=final)
            if final:
                call.check()
            if call.position is not None:
                if arguments:
                    found.append(ToolCallDelta(call.position, arguments=arguments))
            elif arguments is not None or call is not self._calls[-1]:
                found.append(self._first(call, arguments or ""))
        return found

    def _first(self, call: StreamedCall, arguments: str) -> ToolCallDelta:
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


def _is_another(piece: CallPiece, known: StreamedCall) -> bool:
    """Return whether a piece at the position of `known` begins another call.

    Servers that send no index, or 0 for all calls, begin each call with its name. Some servers repeat the name in every
    piece, others a new id; neither begins a call while the arguments of the last one are incomplete. Raises Garbled if
    the piece may be another call or the same one with more of its arguments.
    """
    if not piece.name:
        return False
    if piece.id and known.id and piece.id != known.id:
        return known.is_whole or (not known.text and piece.name != known.name)
    if not known.is_whole or piece.name != known.name:
        return known.is_whole
    has_more = has_grown(known.arguments, piece.arguments)
    if piece.id and piece.id == known.id:
        return is_object(piece.arguments) and not has_more and not is_same(known.arguments, piece.arguments)
    if has_more:
        raise Garbled("two tool calls without ids, or one that grew")
    return may_begin(piece.arguments)
