"""Answers in the Mini App's conversations are shown as their authors formatted them, and never as HTML."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.chat import Role, says
from storage.database.connection import Connection
from storage.telegram import conversations
from tests.sandbox.chromium import BINARY
from tests.web.miniapp.conftest import ANN, Mini
from tests.web.miniapp.test_page import click, fits, held, pictures, words

pytestmark = pytest.mark.skipif(BINARY is None, reason="there is no Chromium on this machine")
ANSWER = """## Tea **today**

Boil *one* litre, then `steep <b>` it — see [the guide](https://example.org/a_(b)), 2 * 3 * 4, snake_case_name.

1. First
   - nested with **bold**
   - [ ] open
2. Second

```py
print("**no bold**", "<img src=x onerror=alert(1)>")
```

| Tea | Price |
|:----|------:|
| Oolong \\| black | **4 $** |

> [!NOTE] quoted
> twice

<img src=x onerror="broken.push('html')"> [bad](javascript:alert(1)) ~~old~~ **open
"""
COUNTED = {
    "h3 b": 1, "ol > li": 2, "ul > li": 2, "pre code": 1, "td": 2, "th": 2, "blockquote b": 1, "a": 1, "s": 1, "i": 1,
}  # fmt: skip
SHOWN = ("2 * 3 * 4", "snake_case_name", "**no bold**", "<img src=x", "[bad](javascript:alert(1))", "**open", "☐ open")


async def answered(mini: Mini, answer: str) -> None:
    def unit(conn: Connection) -> None:
        said = [says(Role.USER, "**how** do I make tea?"), says(Role.ASSISTANT, answer)]
        conversations.append(conn, ANN, 0, mini.ann, "1:tea", said, datetime.now(UTC))

    await mini.container.db.write(unit)


async def shown(page: Any) -> None:
    await click(page, "#tab-chats")
    await click(page, "#panel-chats .opens")
    await page.until("document.querySelector('dialog .formatted')")


@pytest.mark.parametrize("dark", [False, True])
async def test_answer_is_formatted_and_the_question_is_as_it_was_typed(mini: Mini, tmp_path: Path, dark: bool) -> None:
    await answered(mini, ANSWER)
    async with held(mini, ANN, dark=dark) as page:
        await shown(page)
        found = {each: await page.js(f"document.querySelectorAll('.formatted {each}').length") for each in COUNTED}
        assert found == COUNTED
        text = await words(page, ".formatted")
        assert [each for each in SHOWN if each not in text] == []
        assert await page.js("document.querySelector('.formatted a').href") == "https://example.org/a_(b)"
        assert "**how** do I" in await words(page, ".said.mine")
        assert await fits(page)
        await page.picture(pictures(tmp_path) / f"mini-answer-{'dark' if dark else 'light'}.png")


HARD = ("", "**" * 4000, "> " * 300 + "x", "- " * 300, "|" * 3000, "```", "1. ", "[" * 3000, "`" * 3001, "a\n" * 3000)


async def test_hard_answers_are_shown_too(mini: Mini) -> None:
    await answered(mini, "x")
    async with held(mini, ANN) as page:
        await shown(page)
        read = "import('/app/page/markdown.js').then(({formatted}) => formatted(window.hard).textContent.length >= 0)"
        for hard in HARD:
            await page.js(f"window.hard = {json.dumps(hard)}; 1")
            assert await page.js(read)
