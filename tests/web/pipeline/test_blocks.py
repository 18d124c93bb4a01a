import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chat import Delta, Event, Finish, Finished, ToolCallDelta
from web.pipeline.blocks import Begun, BlockKind, BlockSplitter, Ended, Piece

THINKING, TEXT, REFUSAL, CALL = BlockKind.THINKING, BlockKind.TEXT, BlockKind.REFUSAL, BlockKind.CALL


def call(position: int, arguments: str = "", name: str = "") -> Delta:
    return Delta("", 0, (ToolCallDelta(position, f"c{position}" if name else "", name, arguments),))


def split(*events: Event) -> BlockSplitter:
    """Split a complete answer, and check that one block is open at a time."""
    splitter, is_open = BlockSplitter(), False
    changes = [change for event in events for change in splitter.feed(event)] + splitter.end()
    for change in changes:
        assert is_open is not isinstance(change, Begun)
        is_open = isinstance(change, Begun | Piece)
        assert change.block is splitter.blocks[change.block.index]
    assert not is_open
    assert sum(isinstance(change, Ended) for change in changes) == len(splitter.blocks)
    return splitter


TABLE: list[tuple[list[Event], list[tuple[BlockKind, str]]]] = [
    ([], []),
    ([Delta("a"), Delta("b"), Finished(Finish.STOP)], [(TEXT, "ab")]),
    ([Delta(thinking="hm"), Delta(thinking_signature="s"), Delta("a")], [(THINKING, "hm"), (TEXT, "a")]),
    ([Delta("a"), Delta(thinking="hm"), Delta("b")], [(TEXT, "a"), (THINKING, "hm"), (TEXT, "b")]),
    (
        [Delta(thinking="a"), Delta(thinking_signature="s"), Delta(thinking="b"), Delta(redacted_thinking="x")],
        [(THINKING, "a"), (THINKING, "b"), (BlockKind.REDACTED, "")],
    ),
    ([Delta("no", is_refusal=True)], [(REFUSAL, "no")]),
    ([Delta("a"), call(0, "{", "x"), call(0, "}")], [(TEXT, "a"), (CALL, "{}")]),
    ([call(0, "{}", "x"), call(1, "[]", "y")], [(CALL, "{}"), (CALL, "[]")]),
    ([call(0, "{", "x"), call(1, "[", "y"), call(0, "}"), call(1, "]")], [(CALL, "{}"), (CALL, "[]")]),
    ([call(0, "{}", "x"), Delta("after"), Delta("wards")], [(CALL, "{}"), (TEXT, "afterwards")]),
    ([call(0, "", "x")], [(CALL, "")]),
]


@pytest.mark.parametrize(("events", "expected"), TABLE)
def test_blocks_follow_each_other(events: list[Event], expected: list[tuple[BlockKind, str]]) -> None:
    assert [(block.kind, block.content) for block in split(*events).blocks] == expected


def test_call_has_its_id_and_name() -> None:
    first, second = split(call(0, "{}", "look"), call(1, "{}", "find")).blocks
    assert [(each.call_id, each.name) for each in (first, second)] == [("c0", "look"), ("c1", "find")]


PIECES = st.one_of(
    st.builds(Delta, st.text(min_size=1, max_size=3)),
    st.builds(lambda thinking: Delta(thinking=thinking), st.text(min_size=1, max_size=3)),
    st.builds(lambda position, arguments: call(position, arguments, "f"), st.integers(0, 2), st.text(max_size=3)),
)


@given(st.lists(PIECES, max_size=12))
def test_nothing_is_lost(events: list[Delta]) -> None:
    blocks = split(*events).blocks
    assert "".join(each.content for each in blocks if each.kind is TEXT) == "".join(each.text for each in events)
    for position in range(3):
        sent = [piece.arguments for each in events for piece in each.tool_calls if piece.position == position]
        assert "".join(each.content for each in blocks if each.position == position) == "".join(sent)
