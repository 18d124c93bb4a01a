import pytest

from engine.thoughts import Thought, reasoning_fields

SIGNED, REDACTED = Thought("hm", "s"), Thought(redacted="x")


@pytest.mark.parametrize(
    ("thoughts", "thinking", "signature", "blocks"),
    [
        ((), "", "", ()),
        ((SIGNED,), "hm", "s", ()),
        ((REDACTED,), "", "", (REDACTED,)),
        ((SIGNED, REDACTED), "hm", "s", (SIGNED, REDACTED)),
        ((SIGNED, Thought("er", "t")), "hm\n\ner", "t", (SIGNED, Thought("er", "t"))),
    ],
)
def test_blocks_are_kept_where_one_text_and_signature_do_not_do(
    thoughts: tuple[Thought, ...], thinking: str, signature: str, blocks: tuple[Thought, ...]
) -> None:
    expected = {"thinking": thinking, "thinking_signature": signature, "thoughts": blocks}
    assert reasoning_fields(thoughts) == expected
