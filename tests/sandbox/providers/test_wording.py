"""The language of stand-ins' answers."""

import unicodedata

import pytest

from sandbox.providers.wording import is_vietnamese
from tests.sandbox.providers.asking import Asking, said

QUESTION = "Vì sao lá cây đổi màu vào mùa thu ở xứ lạnh?"


@pytest.mark.parametrize(
    ("text", "is_vn"),
    [
        (QUESTION, True),
        (unicodedata.normalize("NFD", QUESTION), True),
        ("Xin chào", True),
        ("AI là gì", True),
        ("Why do leaves change colour?", False),
        ("Qu'est-ce que c'est, là-bas ?", False),
        ("Perché è così? Sì.", False),
        ("", False),
    ],
)
def test_vietnamese_is_told_by_its_letters_and_words(text: str, is_vn: bool) -> None:
    assert is_vietnamese(text) is is_vn


@pytest.mark.parametrize("prompt", [QUESTION, "Xin chào"])
async def test_vietnamese_question_gets_a_vietnamese_answer(asking: Asking, prompt: str) -> None:
    text = said("deepseek", await asking.frames("deepseek", prompt))
    assert "mô hình giả lập của DeepSeek" in text
    assert "stand-in" not in text
