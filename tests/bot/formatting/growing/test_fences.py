"""Fences without an end are repaired where that ends them; all other texts stay as they are."""

import pytest

from bot.formatting.growing.fences import with_whole_fences

TICKS = "`" * 3


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("```md\n```js\nx\n```\n```", "````md\n```js\nx\n```\n````"),
        ("```markdown\n```\nx\n```", "```markdown\n```\nx\n```"),
        ("a\n```md\nb\n```\n```md\n```py\nc\n```\n```\nd", "a\n````md\nb\n````\n````md\n```py\nc\n```\n````\nd"),
        ("So:```py\nx\n```\nb", "So:\n```py\nx\n```\nb"),
    ],
)
def test_fence_without_an_end_is_repaired(text: str, repaired: str) -> None:
    assert with_whole_fences(text) == repaired


@pytest.mark.parametrize(
    "text",
    [
        "no code",
        "```py\nx\n```",
        "```md\n```js\nx\n```\nb\n\n```py\ny\n```",
        "````md\n```js\nx\n```\n````",
        "```md\n```js\nx",
        "```py\nx = 1",
        "a ```x``` b",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert with_whole_fences(text) == text


def test_time_grows_linearly() -> None:
    for text in (f"{TICKS}md\n{TICKS}js\n" * 20_000, f"a{TICKS}js\n" * 20_000):
        assert text[:9] in with_whole_fences(text)
