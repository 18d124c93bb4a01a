"""Titles of quotations, and spoilers in drafts."""

import pytest

from bot.formatting.markdown import draft_of, render


@pytest.mark.parametrize(
    ("markdown", "text", "bold"),
    [
        ("> [!NOTE]\n> Read *this*", "\u2139\ufe0f NOTE\nRead this", "\u2139\ufe0f NOTE"),
        ("> [!tip]- Folded\n> text", "💡 tip Folded\ntext", "💡 tip"),
        ("> [!OTHER]\n> text", "OTHER\ntext", "OTHER"),
        ("- a\n  > [!WARNING]\n  > b", "• a\n⚠️ WARNING\nb", "⚠️ WARNING"),
    ],
)
def test_callout_has_a_title(markdown: str, text: str, bold: str) -> None:
    [piece] = render(markdown)
    [title] = [each for each in piece.entities if each.type == "bold"]
    assert piece.text == text
    assert text.encode("utf-16-le")[2 * title.offset :][: 2 * title.length].decode("utf-16-le") == bold


@pytest.mark.parametrize("markdown", ["```\n> [!NOTE]\n```", "see [!NOTE] there", "> see [!NOTE]", "> `[!NOTE]`"])
def test_words_that_are_no_callout_stay(markdown: str) -> None:
    assert "[!NOTE]" in render(markdown)[0].text


def test_draft_of_a_message_hides_its_spoilers() -> None:
    [piece] = render("👍🏽 It is ||the *butler* 👍🏽|| ok")
    assert draft_of(piece) == "👍🏽 It is ▒▒▒ ▒▒▒▒▒▒ ▒▒▒▒ ok"
    [piece] = render("**plain** text")
    assert draft_of(piece) == piece.text
