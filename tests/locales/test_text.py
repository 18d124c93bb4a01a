"""A text is found by its key and language, and filled in by the rules of the language."""

import pytest

import locales
from engine.money import Money


def test_number_chooses_the_plural_form() -> None:
    shares = [locales.text("en", "group.share", name="Ann", usd=Money(0), n=n) for n in (1, 0, 11, 1001, -1)]
    assert [share.partition(", ")[2] for share in shares] == [
        "1 answer",
        "0 answers",
        "11 answers",
        "1,001 answers",
        "−1 answer",
    ]
    assert locales.text("vi", "group.share", name="An", usd=Money(0), n=1).endswith("1 câu trả lời")


def test_text_takes_in_any_number_of_counted_nouns() -> None:
    assert "1 token " in locales.text("en", "digest.tenant", name="Ann", prompts=1, tokens=1, usd=Money(0))
    assert "1,000 tokens " in locales.text("en", "digest.tenant", name="Ann", prompts=1, tokens=1000, usd=Money(0))


@pytest.mark.parametrize("tag", ["vi", "vi-VN", "VI"])
def test_language_tag_is_read_by_its_first_part(tag: str) -> None:
    assert locales.find(tag).code == "vi"


def test_unknown_language_gets_english() -> None:
    assert locales.text("de-AT", "new.done") == locales.LANGUAGES["en"].texts["new.done"]


def test_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        locales.text("en", "no.such_key")
