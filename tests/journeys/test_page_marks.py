"""Journeys of the page's marks for providers, and of links to the bot."""

from pathlib import Path

import pytest

from sandbox.app import Sandbox
from tests.journeys.conftest import GROUP_ID, OLGA
from tests.journeys.test_page import LAST, click, click_key, opened, write
from tests.sandbox.chromium import BINARY

pytestmark = pytest.mark.skipif(BINARY is None, reason="there is no Chromium on this machine")


async def test_answer_after_a_probe_is_not_marked_rerouted(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path, sandbox) as page:
        await click(page, f"[data-chat='{OLGA}']")
        await write(page, "/providers")
        await click_key(page, "Probe gemini")
        await page.until(f"{LAST}?.textContent.includes('gemini answers')")
        await page.until("document.querySelector('[data-provider=gemini] .calls').textContent.startsWith('1 call')")
        await write(page, "Hello")
        await page.until(f"{LAST}?.textContent.includes('stand-in for DeepSeek')")
        await page.until("document.querySelector('[data-provider=deepseek] .calls').textContent.startsWith('1 call')")
        assert await page.js("document.querySelector('.rerouted') === null")


async def test_plug_button_is_hidden_when_no_provider_is_unplugged(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path, sandbox) as page:
        await page.until("document.querySelector('#next').textContent.startsWith('The next prompt goes to')")
        await page._call("Network.enable")
        await page._call("Network.setBlockedURLs", urls=["*/api/*"])
        nobody = (
            "import('/static/store.js').then(async ({world}) => { world.next = []; "
            "(await import('/static/providers.js')).showProviders() })"
        )
        await page.js(nobody)
        assert await page.js("document.querySelector('#plug').hidden")
        assert "rest after their failures" in await page.js("document.querySelector('#next').textContent")


async def test_link_in_a_group_opens_the_private_chat_and_starts_the_bot(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path, sandbox) as page:
        await click(page, f"[data-chat='{GROUP_ID}']")
        await page.js("document.querySelector('#sender').value = '9001'")
        await page.js("document.querySelector('#sender').dispatchEvent(new Event('change', {bubbles: true}))")
        await write(page, "/group")
        await click_key(page, "Open private chat")
        await page.until(f"{LAST}?.textContent.includes('Wallet of Tea room')")
        assert await page.js("document.querySelector('[aria-current=true]').dataset.chat") == "9001"
