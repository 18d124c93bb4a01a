"""Journeys on the sandbox's page: every step is a click or a key in headless Chromium."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from main.sandbox import expected_costs, next_offers
from sandbox.app import Sandbox
from tests.journeys.conftest import ADMIN_KEY, ANN, started
from tests.sandbox.chromium import BINARY, Browser

pytestmark = pytest.mark.skipif(BINARY is None, reason="there is no Chromium on this machine")
SAID = "[...document.querySelectorAll('#log .turn:not(.mine)')]"
LAST = f"{SAID}.at(-1)"
DRAFT_CHARS = "(document.querySelector('.draft .body')?.textContent.length ?? 0)"
HOSTILE = "<img src=x onerror=alert(1)>"


def pictures(tmp_path: Path) -> Path:
    return Path(os.environ.get("FARTHING_PICTURES", tmp_path))


@asynccontextmanager
async def opened(tmp_path: Path, sandbox: Sandbox, width: int = 1400, height: int = 900) -> AsyncIterator[Browser]:
    """Open the page over the whole program, as `make run` shows it."""
    async with started(tmp_path, sandbox) as journey, Browser(width=width, height=height) as page:
        sandbox._page_api._farthing = (journey.url, ADMIN_KEY)
        sandbox.route_by(partial(next_offers, journey.container), partial(expected_costs, journey.container))
        await page.open(sandbox.url)
        await page.until("document.querySelector('#suggest')")
        yield page


async def click(page: Browser, selector: str) -> None:
    """Click the element once it exists."""
    await page.until(f"document.querySelector({selector!r})")
    await page.js(f"document.querySelector({selector!r}).click()")


async def click_key(page: Browser, label: str) -> None:
    """Click the newest button with this label."""
    found = (
        f"[...document.querySelectorAll('.keys button')].filter((key) => key.textContent.includes({label!r})).at(-1)"
    )
    await page.until(found)
    await page.js(f"{found}.click()")


async def write(page: Browser, text: str) -> None:
    """Type the text and press Enter."""
    await page.js(f"document.querySelector('#text').value = {text!r}")
    await page.js(
        "document.querySelector('#text').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}))"
    )


async def test_another_provider_answers_after_a_plug_is_pulled(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.stand_ins._word_seconds = 0.02
    async with opened(tmp_path, sandbox) as page:
        await page.until("document.querySelector('#plug').textContent === \"Pull DeepSeek's plug\"")
        await page.until("document.querySelector('[data-provider=deepseek] .price').textContent.includes('$0.14 in')")
        await page.until("document.querySelector('[data-provider=deepseek] .state').textContent === 'answering'")
        await click(page, "#suggest")
        await page.until("document.querySelector('.draft .stop')")
        await page.until(f"{DRAFT_CHARS} > 20")
        early = await page.js(DRAFT_CHARS)
        await page.until(f"{DRAFT_CHARS} > {early}")
        await page.until(f"{LAST}?.textContent.includes('stand-in for DeepSeek')")
        assert await page.js(f"{LAST}.textContent.includes('money box')")  # the ready answer to the suggested question
        await write(page, "tell me about the sea")
        await page.until(f"{LAST}?.textContent.includes('You wrote')")
        for tag in ("b", "i", "code", "blockquote", "pre", "a[href='https://example.org/']"):
            assert await page.js(f'{LAST}.querySelector("{tag}") !== null'), tag
        assert await page.js(f"{LAST}.querySelector('.code-head').textContent.startsWith('python')")
        await click(page, "#pull")
        await page.until("document.querySelector('[data-provider=deepseek] [data-mode=down][aria-pressed=true]')")
        await page.until("document.querySelector('[data-provider=deepseek] .state').className === 'state unnoticed'")
        await click(page, "#again")
        await page.until(f"{LAST}?.textContent.includes('stand-in for Gemini')")
        await page.until("document.querySelector('[data-provider=gemini] .rerouted')")
        await page.until("document.querySelector('[data-provider=deepseek] .state').className === 'state failing'")
        await page.until("document.querySelector('#plugs')")
        await page.picture(pictures(tmp_path) / "sandbox.png")
        await click(page, "#plugs")
        await page.until("document.querySelector('[data-provider=deepseek] [data-mode=up][aria-pressed=true]')")


async def test_cost_of_the_prompt_that_is_written_is_shown_by_provider(tmp_path: Path, sandbox: Sandbox) -> None:
    cost = "document.querySelector('[data-provider=deepseek] .cost').textContent"
    async with opened(tmp_path, sandbox) as page:
        await page.until(f"{cost}.startsWith('a usual prompt: about ')")
        usual = await page.js(cost)
        await page.js("document.querySelector('#text').value = 'the sea '.repeat(400)")
        await page.js("document.querySelector('#text').dispatchEvent(new InputEvent('input', {bubbles: true}))")
        await page.until(f"{cost}.startsWith('this prompt: about ')")
        assert float((await page.js(cost)).split()[3]) > float(usual.split()[4])
        assert await page.js("document.querySelector('#legend').textContent.includes('refuses the API key')")


async def test_chat_stays_at_its_end_when_a_message_grows(tmp_path: Path, sandbox: Sandbox) -> None:
    left = "(({scrollHeight, scrollTop, clientHeight}) => scrollHeight - scrollTop - clientHeight)"
    async with opened(tmp_path, sandbox, width=390, height=600) as page:
        await page._call("Emulation.setDeviceMetricsOverride", width=390, height=600, deviceScaleFactor=1, mobile=True)
        await write(page, "/help")
        await page.until(f"{LAST}?.textContent.includes('/paysupport')")
        await write(page, "/settings")
        await click_key(page, "Who sees my prompts")
        await page.until(f"{LAST}?.textContent.includes('Who may see my prompts')")
        await page.until(f"{left}(document.querySelector('#messages')) < 80")


async def test_stop_button_ends_the_draft_and_keeps_the_delivered_part(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.stand_ins._word_seconds = 0.2
    async with opened(tmp_path, sandbox) as page:
        await click(page, "#suggest")
        await page.until(f"{DRAFT_CHARS} > 10")
        await click(page, ".draft .stop")
        await page.until(LAST)
        await page.until("!document.querySelector('.draft')")
        assert not await page.js(f"{LAST}.textContent.includes('ask again')")


async def test_stars_are_paid_by_clicking_on_a_phone(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path, sandbox, width=390, height=844) as page:
        await page._call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        await write(page, "/topup")
        await click_key(page, "$5.00")
        await page.until(f"{LAST}?.textContent.includes('Do you agree')")
        await click_key(page, "I agree")
        await click(page, ".invoice button")
        await page.until("document.querySelector('#paying[open]')")
        await click(page, "#paying .primary")
        await page.until(f"{LAST}?.textContent.includes('was added')")
        assert await page.js("document.documentElement.scrollWidth <= innerWidth")
        await page.picture(pictures(tmp_path) / "phone.png")
        await click(page, "#tabs [data-tab=providers]")
        assert await page.js("document.querySelector('#plug').getBoundingClientRect().width > 300")
        assert await page.js("document.querySelector('#text').getBoundingClientRect().width === 0")
        assert await page.js("document.documentElement.scrollWidth <= innerWidth")


async def test_menu_belongs_to_the_person_and_is_used_by_keys(tmp_path: Path, sandbox: Sandbox) -> None:
    def menu(command: str) -> str:
        return f"[...document.querySelectorAll('#menu b')].some((each) => each.textContent === {command!r})"

    async with opened(tmp_path, sandbox) as page:
        await click(page, "#slash")
        await page.until(menu("/usage"))
        assert not await page.js(menu("/providers"))
        down = "new KeyboardEvent('keydown', {key: 'ArrowDown', bubbles: true})"
        await page.js(f"document.querySelector('#text').dispatchEvent({down})")
        assert await page.js("[...document.querySelectorAll('#menu li')][1].getAttribute('aria-selected') === 'true'")
        await page.js("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowDown', altKey: true}))")
        await page.until("document.querySelector('#chat-status').textContent.includes('Bao')")
        await click(page, "[data-chat='9001']")
        await click(page, "#slash")
        await page.until(menu("/providers"))


async def test_message_text_never_becomes_markup(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path, sandbox) as page:
        await write(page, HOSTILE)
        await page.until(f"{LAST}?.textContent.includes('stand-in')")
        assert await page.js("document.querySelector('#log .mine .body').textContent") == HOSTILE
        assert await page.js("document.querySelector('#log img') === null")
        assert await page.js("document.querySelector('#chat-list img') === null")


async def test_file_is_uploaded_and_picture_is_shown(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path, sandbox) as page:
        await page.js(
            "{ const list = new DataTransfer(); list.items.add(new File(['tea, or coffee?'], 'question.txt', "
            "{type: 'text/plain'})); document.querySelector('#file').files = list.files; "
            "document.querySelector('#file').dispatchEvent(new Event('change')) }"
        )
        await page.until("document.querySelector('.mine .document')?.textContent.includes('question.txt')")
        await page.until(f"{LAST}?.textContent.includes('stand-in')")
        await write(page, "/usage")
        await page.until("document.querySelector('#log img')?.naturalWidth > 100")
        assert any("photo" in message for message in sandbox.world.messages(ANN))
