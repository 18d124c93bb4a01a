"""The words of /every: each language's names of the weekdays are among them."""

import re

import pytest

import locales
from locales.schedule_words import WEEKDAYS


@pytest.mark.parametrize("code", locales.LANGUAGES)
def test_weekdays_of_every_language_are_understood(code: str) -> None:
    names = locales.LANGUAGES[code].locale.days["format"]["wide"]
    missing = [
        f"{names[number]!r} in line {number + 1}"
        for number, words in enumerate(WEEKDAYS)
        if not re.fullmatch(words, names[number].lower())
    ]
    assert not missing, f"add the words of {code} to locales/schedule_words.py; WEEKDAYS lacks {', '.join(missing)}"
