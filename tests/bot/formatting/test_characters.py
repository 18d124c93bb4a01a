import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.formatting.blocks import styled
from bot.formatting.characters import (
    _PROSE,
    clean,
    cut,
    fitting,
    is_boundary,
    is_prose,
    is_visible,
    units,
    width,
)
from bot.formatting.growing.mending import mended
from bot.formatting.parsing import parse
from bot.formatting.source import prepared
from bot.formatting.styled import StyledText

_SIGNS = "aZé漢 .,:;!?-–—+=#(){}/\"'@%^~$&<>|*_`[]\\\n\t0"


@pytest.mark.parametrize("text", ["Hello, sea.", "Ha!", 'One – two.\n\nThree: "four" (5) C# 1 + 1 = 2', "Chào anh 🌊"])
def test_paragraphs_of_plain_words_are_prose(text: str) -> None:
    assert is_prose(text)


@pytest.mark.parametrize(
    "text", ["", "1. one", "# a", "- a", "a *b*", "a\nb", "a  b", "a ", "a\n\n- b", "a&amp;b", "x_y"]
)
def test_other_texts_are_converted(text: str) -> None:
    assert not is_prose(text)


@given(st.from_regex(_PROSE, fullmatch=True) | st.text(_SIGNS, max_size=12).map(lambda signs: f"a{signs}a"))
def test_prose_is_its_own_conversion(markdown: str) -> None:
    text = clean(markdown)
    assume(is_prose(text))
    for end in ("", " ", "\n", " \n\n"):
        assert styled(parse(prepared(text + end))) == StyledText(text)
    assert text.endswith("!") or mended(text) == text


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("漢字", 4),
        ("한국", 4),
        ("é", 1),
        ("👨‍👩‍👧", 2),
        ("🇻🇳", 2),
        ("✍️", 2),
        ("a\u200b", 1),
        ("ｶﾅ", 2),
        ("", 0),
    ],
)
def test_width_is_that_of_a_monospaced_font(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    "cluster", ["👨‍👩‍👧", "🇻🇳", "👍🏽", "e\u0301", "क्ष", "각", "\r\n", "🏴\U000e0067\U000e007f", "✍️"]
)
def test_cluster_is_not_cut(cluster: str) -> None:
    text = f"a{cluster}b"
    inside = range(2, 1 + len(cluster))
    assert [at for at in inside if is_boundary(text, at)] == []
    assert is_boundary(text, 1)
    assert is_boundary(text, 1 + len(cluster))


def test_flags_are_pairs() -> None:
    assert [at for at in range(5) if is_boundary("🇻🇳🇫🇷", at)] == [0, 2, 4]


def test_cut_keeps_whole_clusters_within_the_limit() -> None:
    assert cut("ab👨‍👩‍👧", 8) == "ab"
    assert cut("ab👨‍👩‍👧", 10) == "ab👨‍👩‍👧"
    assert cut("\u0301" * 9, 4) == "\u0301" * 4


def test_fitting_counts_utf_16_units() -> None:
    assert fitting("😀" * 10, 2, 5) == 4
    assert units("a😀") == 3


def test_clean_removes_what_telegram_refuses_and_our_marks() -> None:
    assert clean("a\0\ud83d\ufdd0\ufdd4é") == "aé"
    assert clean("a\0") == "a"


def test_fillers_and_marks_are_not_visible() -> None:
    assert not any(map(is_visible, " \u200b\u3164\u0301\x01"))
    assert is_visible("a")
