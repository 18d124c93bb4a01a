"""Prepared answers to the suggested questions: those of the bot's greeting in each language, and of the page."""

import re
from pathlib import Path

import pytest

import locales
import sandbox
from sandbox.providers.ready_answers import READY, ready_answer

GUIDE = (Path(sandbox.__file__).parent / "page" / "guide.js").read_text()


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_question_of_the_greeting_has_a_ready_answer(language: str) -> None:
    assert ready_answer("DeepSeek", locales.text(language, "start.question")) is not None


def test_questions_of_the_page_have_ready_answers() -> None:
    suggested = re.findall(r'^const (?:PROMPT|AGAIN) = "(.+)";$', GUIDE, re.MULTILINE)
    assert len(suggested) == 2
    assert set(suggested) <= set(READY)


@pytest.mark.parametrize("prompt", READY)
def test_every_ready_answer_names_its_stand_in(prompt: str) -> None:
    named = ("stand-in for DeepSeek", "mô hình giả lập DeepSeek")
    assert any(name in (ready_answer("DeepSeek", f" {prompt}\n") or "") for name in named)


def test_any_other_prompt_has_none() -> None:
    assert ready_answer("DeepSeek", "Why is the sky green?") is None
