"""Reasoning between tags, separated from the answer."""

import pytest

from engine.providers.streams.think_tags import ThinkTags, split_unopened
from tests.processor_time import units_of


def split(text: str, width: int = 10_000, *, waits: bool = False) -> tuple[str, str]:
    """Return reasoning and answer of a text that arrives in pieces of `width` characters."""
    tags, pieces = ThinkTags(waits=waits), []
    for at in range(0, len(text), width):
        pieces += tags.feed(text[at : at + width])
    pieces += tags.end()
    thinking = "".join(piece.text for piece in pieces if piece.is_thinking)
    return thinking, "".join(piece.text for piece in pieces if not piece.is_thinking)


WIDTHS = pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 10_000])


@WIDTHS
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>let me see</think>It is 4.", ("let me see", "It is 4.")),
        ("\n <think>\nlet me\n\nsee\n</think>\n\nIt is 4.\n", ("let me\n\nsee", "It is 4.\n")),
        ("<think>\n\n</think>\n\nIt is 4.", ("", "It is 4.")),
        ("[THINK]hm[/THINK]It is 4.", ("hm", "It is 4.")),
        ("<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>It is 4.", ("hm", "It is 4.")),
        ("<|START_TEXT|>It is 4.", ("", "It is 4.")),
        ("<|open|>think<|sep|>hm<|close|>think<|sep|><|open|>response<|sep|>It is 4.", ("hm", "It is 4.")),
        ("<|open|>response<|sep|>It is 4.", ("", "It is 4.")),
        ("<think>hm</think><|START_", ("hm", "<|START_")),
        (
            (
                "<|start|>assistant<|channel|>analysis<|message|>hm<|end|>"
                "<|start|>assistant<|channel|>final<|message|>It is 4."
            ),
            ("hm", "It is 4."),
        ),
        ("<think>a <b>bold</b> < 3 </thin> b</think>4", ("a <b>bold</b> < 3 </thin> b", "4")),
        ("<think>a<think>b</think>c</think>4", ("a<think>b</think>c", "4")),
        ("<think>a tag <think> is written</think>It is 4.", ("a tag <think> is written", "It is 4.")),
        ("<think>only thinking", ("only thinking", "")),
        ("<think>hm</think>Write <think>x</think> so.", ("hm", "Write <think>x</think> so.")),
        ("It is <think>not</think> 4.", ("", "It is <think>not</think> 4.")),
        ("  plain <b>", ("", "  plain <b>")),
        ("<thinking>own</thinking> 4", ("", "<thinking>own</thinking> 4")),
        ("<thin", ("", "<thin")),
        ("   ", ("", "   ")),
    ],
)
def test_only_tags_that_begin_the_text_hold_reasoning(text: str, expected: tuple[str, str], width: int) -> None:
    assert split(text, width) == expected


@WIDTHS
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Okay, let me see.\n</think>\n\nIt is 4.", ("Okay, let me see.", "It is 4.")),
        ("<think>hm</think>4", ("hm", "4")),
        ("It is 4, < 5 and [6].", ("", "It is 4, < 5 and [6].")),
        ("Close it with `</think>` always.", ("", "Close it with `</think>` always.")),
    ],
)
def test_reasoning_without_an_opening_tag_is_waited_for(text: str, expected: tuple[str, str], width: int) -> None:
    assert split(text, width, waits=True) == expected


def test_whole_text_with_a_closing_tag_alone_is_split_without_waiting() -> None:
    assert split("Let me see.</think>It is 4.") == ("Let me see.", "It is 4.")
    assert split("Let me see.</think>It is 4.", 1) == ("", "Let me see.</think>It is 4.")


@pytest.mark.parametrize(
    "text",
    [
        "Write `</think>` at its end.",
        'The tag "</think>" closes it.',
        "<think>a</think> b",
        "a</think>b</think>c",
        "no tag",
        "</think>only an answer",
    ],
)
def test_text_that_writes_about_the_tag_is_not_split(text: str) -> None:
    assert split_unopened(text)[0] == ""


def test_text_is_passed_on_at_once_when_nothing_is_to_be_waited_for() -> None:
    tags = ThinkTags()
    assert [piece.text for piece in tags.feed("It")] == ["It"]
    assert tags.is_over
    waiting = ThinkTags(waits=True)
    assert waiting.feed("It") == []
    assert [piece.text for piece in waiting.stop_waiting()] == ["It"]
    assert waiting.is_over


def test_long_and_hostile_texts_take_linear_time() -> None:
    def read() -> None:
        for text, waits in (("<think>" * 25_000, False), ("</think>`" * 25_000, True), (" " * 150_000, False)):
            split(text, 7, waits=waits)
        split("x>" * 150_000, 2, waits=True)

    assert units_of(read, 1000) < 1000  # 100 of them in 2026


@pytest.mark.parametrize("width", [1, 5, 1000])
@pytest.mark.parametrize("call", ["<|channel|>commentary to=functions.look", "<|start|>assistant to=functions.look"])
def test_call_of_gpt_oss_ends_its_reasoning(call: str, width: int) -> None:
    rest = ' <|constrain|>json<|message|>{"a": 1}<|call|>'
    text = (
        "<|channel|>analysis<|message|>I look.<|end|><|start|>assistant"
        + call.removeprefix("<|start|>assistant")
        + rest
    )
    tags = ThinkTags()
    found = [piece for at in range(0, len(text), width) for piece in tags.feed(text[at : at + width])] + tags.end()
    assert "".join(piece.text for piece in found if piece.is_thinking) == "I look."
    assert "".join(piece.text for piece in found if not piece.is_thinking) == call + rest
