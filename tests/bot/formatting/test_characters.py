import pytest

from bot.formatting.characters import clean, cut, fitting, is_boundary, is_visible, units, width


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
