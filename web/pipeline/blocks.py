"""BlockSplitter: turns an answer's events into consecutive blocks of reasoning, text, refusal and tool calls."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from engine.chat import Delta, Event, ToolCallDelta


class BlockKind(StrEnum):
    """The kinds of blocks. REDACTED: reasoning that only its provider can read."""

    THINKING = "thinking"
    REDACTED = "redacted"
    TEXT = "text"
    REFUSAL = "refusal"
    CALL = "call"


@dataclass(slots=True, eq=False)
class Block:
    """One block. `call_id` and `name` belong to a tool call; `pieces`: the content so far.

    `signature`: the one of its reasoning, or the content of redacted reasoning.
    """

    kind: BlockKind
    index: int
    call_id: str = ""
    name: str = ""
    position: int = -1
    signature: str = ""
    pieces: list[str] = field(default_factory=list)

    @property
    def content(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Begun:
    block: Block


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a block's text or arguments, or the signature of its reasoning."""

    block: Block
    text: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    block: Block


Change: TypeAlias = Begun | Piece | Ended


class BlockSplitter:
    """Splits the events of one choice. One block is open at a time.

    A tool call stays open to the end, because more of it may come; meanwhile other calls and texts wait, and follow as
    blocks of their own.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._open: Block | None = None
        self._later_calls: dict[int, list[ToolCallDelta]] = {}
        self._later_text: list[str] = []

    def feed(self, event: Event) -> list[Change]:
        """Return the changes that an event causes; none for the end of a choice."""
        if not isinstance(event, Delta):
            return []
        found: list[Change] = []
        if self._open is not None and self._open.kind is BlockKind.CALL:
            self._later_text.append(event.text)
        else:
            if event.thinking or event.thinking_signature:
                self._add_thinking(found, event)
            if event.redacted_thinking:
                block = Block(BlockKind.REDACTED, len(self.blocks), signature=event.redacted_thinking)
                self._begin(found, block)
            if event.text:
                self._add(found, BlockKind.REFUSAL if event.is_refusal else BlockKind.TEXT, event.text)
        for piece in event.tool_calls:
            self._add_call(found, piece)
        return found

    def end(self) -> list[Change]:
        """Return the changes at the end: the open block ends, and the waiting blocks follow."""
        found: list[Change] = []
        self._close(found)
        for pieces in self._later_calls.values():
            for piece in pieces:
                self._add_call(found, piece)
            self._close(found)
        if text := "".join(self._later_text):
            self._add(found, BlockKind.TEXT, text)
        self._close(found)
        return found

    def _add(self, found: list[Change], kind: BlockKind, text: str) -> None:
        block = self._open
        if block is None or block.kind is not kind:
            block = self._begin(found, Block(kind, len(self.blocks)))
        block.pieces.append(text)
        found.append(Piece(block, text))

    def _add_thinking(self, found: list[Change], event: Delta) -> None:
        """Add reasoning. A signature ends its block, because it signs one text only."""
        block = self._open
        is_signed = block is not None and bool(block.signature)
        if block is None or block.kind is not BlockKind.THINKING or (is_signed and event.thinking):
            block = self._begin(found, Block(BlockKind.THINKING, len(self.blocks)))
        block.pieces.append(event.thinking)
        block.signature += event.thinking_signature
        found.append(Piece(block, event.thinking, event.thinking_signature))

    def _add_call(self, found: list[Change], piece: ToolCallDelta) -> None:
        block = self._open
        if block is not None and block.kind is BlockKind.CALL and block.position != piece.position:
            self._later_calls.setdefault(piece.position, []).append(piece)
            return
        if block is None or block.kind is not BlockKind.CALL:
            call = Block(BlockKind.CALL, len(self.blocks), piece.id, piece.name, piece.position)
            block = self._begin(found, call)
        if piece.arguments:
            block.pieces.append(piece.arguments)
            found.append(Piece(block, piece.arguments))

    def _begin(self, found: list[Change], block: Block) -> Block:
        self._close(found)
        self._open = block
        self.blocks.append(block)
        found.append(Begun(block))
        return block

    def _close(self, found: list[Change]) -> None:
        if self._open is not None:
            found.append(Ended(self._open))
            self._open = None


def split(events: Iterable[Event]) -> list[Block]:
    """Return the blocks of a whole answer."""
    splitter = BlockSplitter()
    for event in events:
        splitter.feed(event)
    splitter.end()
    return splitter.blocks
