import os
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from tests.journeys.conftest import ADMIN_KEY, begun
from tests.sandbox.chromium import BINARY, Browser

pytestmark = pytest.mark.skipif(BINARY is None, reason="there is no Chromium on this machine")
LAST = "[...document.querySelectorAll('.bubble:not(.mine):not(.draft) .body')].at(-1)"


async def test_a_newcomer_asks_pulls_a_plug_and_is_answered_by_another(tmp_path: Path, sandbox: Sandbox) -> None:
    pictures = Path(os.environ.get("FARTHING_PICTURES", tmp_path))
    async with begun(tmp_path, sandbox) as journey, Browser() as page:
        sandbox._page_api._farthing = (journey.url, ADMIN_KEY)
        await page.open(sandbox.url)
        await page.until("document.querySelector('#suggest')")
        await page.until("document.querySelector('#plug span').textContent.includes('Pull the plug on')")
        await page.js("document.querySelector('#suggest').click()")
        await page.until(f"{LAST}?.textContent.includes('stand-in for DeepSeek')")
        await page.js("set('deepseek', 'down')")
        await page.until("document.querySelector('.switch [data-mode=down][aria-pressed=true]')")
        await page.js("say('And now, who answers this one?')")
        await page.until(f"{LAST}?.textContent.includes('stand-in for Gemini')")
        await page.picture(pictures / "sandbox.png")
        assert await page.js(f"{LAST}.querySelector('pre') !== null")


async def test_commands_buttons_and_stars_work_by_clicking(tmp_path: Path, sandbox: Sandbox) -> None:
    async with begun(tmp_path, sandbox), Browser(width=390, height=800) as page:
        await page.open(sandbox.url)
        await page.until("document.querySelector('#suggest')")
        await page.js("say('/topup')")
        await page.until("document.querySelector('.keys button')")
        await page.js("document.querySelector('.keys button').click()")
        await page.until(f"{LAST}?.textContent.includes('Do you agree')")
        await page.js("[...document.querySelectorAll('.keys button')].at(-1).click()")
        await page.until("document.querySelectorAll('.keys button').length > 8")
        await page.js("[...document.querySelectorAll('.keys button')].at(-4).click()")
        await page.until("document.querySelector('.invoice button')")
        await page.js("document.querySelector('.invoice button').click()")
        await page.until(f"{LAST}?.textContent.includes('were added')")
        assert await page.js("document.documentElement.scrollWidth <= innerWidth")
        await page.picture(Path(os.environ.get("FARTHING_PICTURES", tmp_path)) / "phone.png")
