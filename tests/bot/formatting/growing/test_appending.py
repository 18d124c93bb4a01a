import pytest

from bot.formatting.growing.appending import append


@pytest.mark.parametrize(
    ("shown", "text", "found"),
    [
        ("", "a", "a"),
        ("a b", "a b c", "a b c"),
        ("a *b*", "a b c", "a *b* c"),
        ("a b", "a **b** c", "a b** c"),
        ("a b.", "*a* b. c", "a b. c"),
        ("a\n\n•", "*a*\n\n• b", "a\n\n• b"),
        ("<kbd>ctrl and more words", "ctrl and more words here", "<kbd>ctrl and more words here"),
        ("more words here", "<b>more words here and", "more words here and"),
        ("a bash", "a ls", "a bash ls"),
        ("a b c", "a b", "a b c"),
        ("...", "*a*", "...*a*"),
    ],
)
def test_rest_is_added_behind_the_letters_that_were_shown(shown: str, text: str, found: str) -> None:
    assert append(shown, text).text == found


def test_text_with_other_letters_is_not_compared_twice() -> None:
    added = append("a bash", "a ls")
    assert added.differs_at == len("a")
    assert append("a b", "*a* b c").differs_at is None


def test_no_text_is_lost_where_the_last_shown_letters_come_again() -> None:
    shown = "one two <address> one two o"
    text = "one two one two o three one two o end"
    added = append(shown, text)
    assert added.text.startswith(shown)
    assert added.text.endswith("three one two o end")


def test_no_letter_is_lost_before_marks_that_were_shown_early() -> None:
    assert append("a *st*", "a *stars* x").text == "a *st*ars* x"
