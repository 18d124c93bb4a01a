import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render import MOST_ENTITIES, MOST_UNITS, plain_head, render

PIECES = st.sampled_from(
    [
        "word ",
        "Vec<String> ",
        "a<b and c>d ",
        "<div>\n",
        "**bold** ",
        "*",
        "`code` ",
        "```py\nx = 1\n```\n",
        "\n```\nopen ",
        "# Head\n",
        "- item\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n",
        "🙂" * 40,
        "مرحبا ",
        "[x](https://example.org) ",
        "> quote\n\n",
        "\n\n",
        "5 $ ",
    ]
)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(st.lists(PIECES, min_size=1, max_size=200).map("".join))
def test_every_message_is_within_telegrams_limits(markdown: str) -> None:
    for piece in render(markdown):
        assert piece.text.strip()
        assert units(piece.text) <= MOST_UNITS
        assert len(piece.entities) <= MOST_ENTITIES
        assert all(e.offset >= 0 and e.offset + e.length <= units(piece.text) for e in piece.entities)


@given(
    st.lists(
        st.sampled_from(["tea ", "Vec<String> ", "**bold** ", "`x` ", "a<b ", "🙂 ", "\n\n"]), min_size=1, max_size=900
    )
)
def test_no_word_is_lost(words: list[str]) -> None:
    markdown = "".join(words)
    shown = "".join(piece.text for piece in render(markdown))
    for word in ("tea", "Vec<String>", "bold", "a<b", "🙂"):
        assert len(re.findall(re.escape(word), shown)) == len(re.findall(re.escape(word), markdown))


@pytest.mark.parametrize("markdown", ["", " ", "\n", "<div>", "```", "**", "\x00"])
def test_nothing_at_all_is_still_a_message(markdown: str) -> None:
    assert len(render(markdown)) == 1


def test_a_draft_shows_a_prefix_and_never_half_a_character() -> None:
    text = "🙂" * 3000
    head = plain_head(text)
    assert text.startswith(head)
    assert units(head) <= MOST_UNITS
