"""Journeys of tables on the page: a real table whose text never becomes markup."""

from pathlib import Path

import httpx
import pytest

from bot.formatting.rich import rich
from sandbox.app import Sandbox
from tests.journeys.conftest import ANN
from tests.journeys.test_page import HOSTILE, LAST, click_key, opened, pictures, write
from tests.sandbox.chromium import BINARY, Browser

pytestmark = pytest.mark.skipif(BINARY is None, reason="there is no Chromium on this machine")
TABLE = f"""## Tea and its price

A table of **teas**, as asked[.](https://example.org/)

| tea | origin | price per 100 g | notes |
|:----|:------:|----------------:|-------|
| Sencha | Japan | 4.20 | `steamed` |
| Assam | India | 3.10 | strong, *malty*, good with milk |
| {HOSTILE} | a \\| b | | <script>alert(1)</script> |
| شاي | مصر | 2.00 | مع النعناع |

1. Boil the water
2. Wait
   - three minutes
   - not four

> Tea is quiet.
"""


async def sent(sandbox: Sandbox, markdown: str) -> None:
    shown = rich(markdown)
    assert shown is not None
    body = {"chat_id": ANN, "rich_message": shown.message("0.04 ¢ · deepseek · 1.2 s")}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        url = f"{sandbox.telegram_url}/bot{sandbox.token}/sendRichMessage"
        assert (await client.post(url, json=body)).json()["ok"]


async def check_table(page: Browser) -> None:
    """Check that cells contain text only, and that a wide table scrolls while the page does not."""
    assert await page.js(f"{LAST}.querySelectorAll('tr').length") == 5
    assert await page.js(f"{LAST}.querySelectorAll('td')[8].textContent") == HOSTILE
    assert await page.js(f"{LAST}.querySelectorAll('td')[11].textContent") == "<script>alert(1)</script>"
    assert await page.js(f"{LAST}.querySelector('img, script') === null")
    assert await page.js("document.documentElement.scrollWidth <= innerWidth")
    assert await page.js(f"{LAST}.querySelector('.bubble').getBoundingClientRect().right <= innerWidth")


async def test_table_is_shown_as_a_table(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path, sandbox) as page:
        await sent(sandbox, TABLE)
        await page.until(f"{LAST}?.querySelector('table')")
        await check_table(page)
        assert await page.js("document.querySelector('#chat-list .who span').textContent.includes('Tea and its price')")
        await page.picture(pictures(tmp_path) / "table.png")


async def test_table_is_shown_on_a_phone_too(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path, sandbox, width=390, height=844) as page:
        await page._call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
        await sent(sandbox, TABLE)
        await page.until(f"{LAST}?.querySelector('table')")
        await check_table(page)
        await page.picture(pictures(tmp_path) / "table-phone.png")


async def test_clicks_switch_tables_on_and_show_the_plain_text(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path, sandbox) as page:
        await write(page, "/settings")
        await click_key(page, "Rich tables")
        await page.until(f"{LAST}?.textContent.includes('(needs a recent app): on')")
        await write(page, "tell me about the sea")
        await page.until(f"{LAST}?.querySelector('table td')?.textContent === 'DeepSeek'")
        await page.picture(pictures(tmp_path) / "table-journey.png")
        await click_key(page, "Show as text")
        await page.until(f"{LAST}?.querySelector('pre') && !{LAST}.querySelector('table')")
