"""The page on a person's phone: headless Chromium, with a stand-in for Telegram's script."""

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import locales
from storage.alerts import incidents
from storage.database.connection import Connection
from storage.tenants import tenant_settings
from tests.sandbox.chromium import BINARY, Browser
from tests.web.miniapp.conftest import ANN, NOBODY, OLGA, Mini, signed

pytestmark = pytest.mark.skipif(BINARY is None, reason="there is no Chromium on this machine")
KEY_CODES = {"Escape": 27, "End": 35, "ArrowLeft": 37, "ArrowRight": 39}
PHONE, DESK = (390, 844), (1100, 900)
LIGHT = {
    "bg-color": "#ffffff", "text-color": "#000000", "hint-color": "#707579", "link-color": "#2481cc",
    "button-color": "#2481cc", "button-text-color": "#ffffff", "secondary-bg-color": "#f4f4f5",
    "section-bg-color": "#ffffff", "accent-text-color": "#2481cc", "destructive-text-color": "#df3f40",
    "subtitle-text-color": "#707579",
}  # fmt: skip
DARK = {
    "bg-color": "#18222d", "text-color": "#ffffff", "hint-color": "#b1c3d5", "link-color": "#62bcf9",
    "button-color": "#2ea6ff", "button-text-color": "#ffffff", "secondary-bg-color": "#131415",
    "section-bg-color": "#18222d", "accent-text-color": "#2ea6ff", "destructive-text-color": "#ef5b5b",
    "subtitle-text-color": "#b1c3d5",
}  # fmt: skip
TELEGRAM = """
window.called = [];
window.Telegram = { WebApp: {
  initData: %(init_data)s, initDataUnsafe: { user: { language_code: %(language)s } }, colorScheme: %(scheme)s,
  ready() { called.push("ready"); }, expand() { called.push("expand"); }, onEvent(name, hear) { this[name] = hear; },
} };
window.broken = [];
addEventListener("securitypolicyviolation", (event) => broken.push(event.blockedURI));
addEventListener("error", (event) => broken.push(event.message));
addEventListener("unhandledrejection", (event) => broken.push(String(event.reason)));
document.addEventListener("readystatechange", () => {
  for (const [name, value] of Object.entries(%(theme)s)) {
    document.documentElement.style.setProperty(`--tg-theme-${name}`, value);
  }
});
"""


def pictures(tmp_path: Path) -> Path:
    return Path(os.environ.get("FARTHING_PICTURES", tmp_path))


@asynccontextmanager
async def held(
    mini: Mini, user: int | None, size: tuple[int, int] = PHONE, *, dark: bool = False, language: str = "en"
) -> AsyncIterator[Browser]:
    """Open the page: in Telegram for `user`, in an ordinary browser for None. Errors in the page fail the test."""
    async with Browser(*size) as page:
        await page._call(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=1,
            mobile=size == PHONE,
        )
        await page._call("Network.enable")
        await page._call("Network.setBlockedURLs", urls=["*telegram.org*"])
        await page._call("Page.enable")
        values = {
            "init_data": signed(user, language=language) if user else "",
            "language": language,
            "scheme": "dark" if dark else "light",
            "theme": (DARK if dark else LIGHT) if user else {},
        }
        told = {name: json.dumps(value) for name, value in values.items()}
        await page._call("Page.addScriptToEvaluateOnNewDocument", source=TELEGRAM % told)
        await page.open(f"{mini.url}/app")
        await page.until("document.querySelector('#app')?.getAttribute('aria-busy') === 'false'")
        yield page
        foreign = [each for each in await page.js("broken") if "telegram.org" not in each]
        assert foreign == []


CHARTS = "document.querySelector('script[type=module]').src.replace(/[^/]*$/, 'chart.js')"


async def words(page: Browser, selector: str) -> str:
    return str(await page.js(f"document.querySelector({selector!r})?.innerText ?? ''"))


async def click(page: Browser, selector: str) -> None:
    await page.until(f"document.querySelector({selector!r})")
    await page.js(f"document.querySelector({selector!r}).click()")


async def press(page: Browser, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        await page._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEY_CODES[key])


async def fits(page: Browser) -> bool:
    return bool(await page.js("document.documentElement.scrollWidth <= innerWidth"))


async def busy(mini: Mini) -> None:
    """Add ten days of typical use; today with every model."""
    await mini.credit(mini.ann, "5", 66)
    await mini.answered(mini.ann, "old", 65, markup=True)
    offers: tuple[dict[str, Any], ...] = (
        {},
        {"provider": "gemini", "model": "gemini-2.5-flash-lite"},
        {"provider": "openai", "model": "gpt-4o", "markup": True},
    )
    for number in range(30):
        day, how = number // 3, offers[number % 3]
        if number % 7 != 3:
            await mini.answered(mini.ann, f"r{number}", day, tokens=400 + 997 * number % 3100, **how)


async def test_ordinary_browser_shows_how_to_open_the_app(mini: Mini, tmp_path: Path) -> None:
    async with held(mini, None) as page:
        assert "menu button" in await words(page, "#notice")
        assert await page.js("document.querySelector('#tabs').hidden")
        assert await page.js("called.length") == 0
        await page.picture(pictures(tmp_path) / "mini-outside.png")


@pytest.mark.parametrize("dark", [False, True])
async def test_phone_shows_the_rest_and_the_usage(mini: Mini, tmp_path: Path, dark: bool) -> None:
    await busy(mini)
    async with held(mini, ANN, dark=dark) as page:
        await page.until("document.querySelector('.bars button i')")
        assert await page.js("called.join()") == "ready,expand"
        assert "of 100,000 tokens left" in await words(page, "#account")
        assert "$4.97" in await words(page, "#account")
        assert await page.js("document.querySelectorAll('.bars button').length") == 12
        background = await page.js("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(19, 20, 21)" if dark else "rgb(244, 244, 245)")
        assert await fits(page)
        await page.picture(pictures(tmp_path) / f"mini-spend-{'dark' if dark else 'light'}.png")
        whole = await words(page, "#panel-spend .rows")
        assert "deepseek-v4-flash" in whole
        await click(page, ".bars button:nth-last-child(2)")
        await page.until(
            "document.querySelector('.bars button:nth-last-child(2)').getAttribute('aria-pressed') === 'true'"
        )
        assert await words(page, "#panel-spend .rows") != whole
        await click(page, ".head .link")
        assert await words(page, "#panel-spend .rows") == whole
    await mini.check_books()


async def test_key_is_made_shown_once_and_revoked(mini: Mini, tmp_path: Path) -> None:
    async with held(mini, ANN, dark=True) as page:
        await click(page, "#tab-keys")
        assert "no keys yet" in await words(page, "#panel-keys")
        await click(page, "#new-key")
        await page.js("document.querySelector('#key-name').value = '<img src=x onerror=alert(1)>'")
        await page.picture(pictures(tmp_path) / "mini-key-form.png")
        await click(page, "#dialog .primary")
        await page.until("document.querySelector('#secret')")
        secret = await words(page, "#secret")
        assert re.fullmatch(r"fk-\w{43}", secret)
        await page.picture(pictures(tmp_path) / "mini-key-once.png")
        async with mini.http(None) as http:
            answer = await http.get("/v1/models", headers={"authorization": f"Bearer {secret}"})
            assert answer.status_code == 200
        await press(page, "Escape")
        await page.until("document.querySelector('#panel-keys li')")
        assert secret not in await page.js("document.documentElement.outerHTML")
        assert secret[:8] in await words(page, "#panel-keys")
        assert await page.js("document.querySelector('img') === null")
        await page.picture(pictures(tmp_path) / "mini-keys.png")
        await click(page, "#panel-keys li .bad")
        await click(page, "#dialog .danger")
        await page.until("document.querySelector('#panel-keys .empty')")
    assert [row["revoked_at"] is None for row in await mini.rows("SELECT revoked_at FROM api_keys")] == [False]


async def test_invoice_arrives_as_a_file(mini: Mini, tmp_path: Path) -> None:
    await mini.credit(mini.ann, "5", 66)
    await mini.answered(mini.ann, "old", 65, markup=True)
    async with held(mini, ANN) as page:
        await page._call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
        await click(page, "#tab-invoices")
        await page.picture(pictures(tmp_path) / "mini-invoices.png")
        await click(page, "#panel-invoices li button")
        await page.until("!document.querySelector('#panel-invoices li button').disabled")
        found = tmp_path / "F-000001.pdf"
        for _ in range(200):
            if found.exists() and found.read_bytes().endswith(b"%%EOF\n"):
                break
            await page.js("new Promise((done) => setTimeout(done, 50))")
        assert found.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("size", [PHONE, DESK])
async def test_operators_have_the_house_beside_it(mini: Mini, tmp_path: Path, size: tuple[int, int]) -> None:
    await busy(mini)

    def unit(conn: Connection) -> None:
        now = mini.container.clock.now()
        closed = incidents.begin(conn, "provider_down", "gemini", {}, now)
        assert closed
        incidents.close(conn, closed, now)
        incidents.begin(conn, "key_refused", "deepseek", {}, now)

    await mini.container.db.write(unit)
    async with held(mini, OLGA, size, dark=size == DESK) as page:
        await click(page, "#tab-operator")
        seen = await words(page, "#panel-operator")
        for expected in (
            "key refused",
            "since",
            "Not configured:",
            "$0.14 in, $0.28 out",
            "Margin this month",
            "gpt-4o",
        ):
            assert expected in seen, expected
        assert await fits(page)
        await page.picture(pictures(tmp_path) / f"mini-house-{size[0]}.png")
        await page.js("scrollTo(0, 1e6)")
        await page.picture(pictures(tmp_path) / f"mini-margin-{size[0]}.png")


async def test_tenants_have_no_operator_page(mini: Mini) -> None:
    async with held(mini, ANN) as page:
        await page.until("document.querySelector('#tab-spend')")
        assert await page.js("[...document.querySelectorAll('[role=tab]')].map((each) => each.id).join()") == (
            "tab-spend,tab-chats,tab-keys,tab-invoices"
        )
        assert "asked nothing" in (await words(page, "#panel-spend")).lower()


async def test_single_day_is_named_once_and_names_break_behind_slashes(mini: Mini) -> None:
    await mini.answered(mini.ann, "r0", 0, provider="openrouter", model="deepseek/deepseek-v4-flash")
    async with held(mini, ANN) as page:
        await page.until("document.querySelector('.rows b wbr')?.previousSibling.textContent === 'deepseek/'")
        for last, labels in (("1", 1), ("9", 2)):
            assert (
                await page.js(f"import({CHARTS}).then(({{ ends }}) => ends('1', '{last}').children.length)") == labels
            )


async def test_keys_of_the_keyboard_move_between_the_tabs(mini: Mini) -> None:
    async with held(mini, ANN, DESK) as page:
        await page.until("document.querySelector('#tab-spend')")
        await page.js("document.querySelector('#tab-spend').focus()")
        for key, tab in (
            ("ArrowRight", "chats"),
            ("End", "invoices"),
            ("ArrowRight", "spend"),
            ("ArrowLeft", "invoices"),
        ):
            await press(page, key)
            assert await page.js("document.activeElement.id") == f"tab-{tab}"
            assert await page.js(f"!document.querySelector('#panel-{tab}').hidden")


async def test_in_vietnamese_where_that_is_the_language(mini: Mini, tmp_path: Path) -> None:
    await busy(mini)
    async with held(mini, ANN, language="vi") as page:
        await page.until("document.querySelector('.bars button i')")
        assert await page.js("document.documentElement.lang") == "vi"
        assert "Còn" in await words(page, "#account")
        await page.picture(pictures(tmp_path) / "mini-vi.png")


@pytest.mark.parametrize(("who", "said"), [(NOBODY, "press Start"), (ANN, "closed your account")])
async def test_who_may_not_look_hears_it_kindly(mini: Mini, who: int, said: str) -> None:
    await mini.container.db.write(lambda conn: tenant_settings.set_banned(conn, mini.ann, True))
    async with held(mini, who) as page:
        assert said in await words(page, "#notice")
        assert await page.js("document.querySelector('#tabs').hidden")


async def test_page_without_a_response_offers_to_try_again(mini: Mini) -> None:
    async with held(mini, ANN) as page:
        await page.until("document.querySelector('#tab-spend')")
        await page.js("window.real = fetch; window.fetch = () => Promise.reject(new TypeError('offline')); 1")
        await click(page, "#tab-keys")
        await click(page, "#new-key")
        await click(page, "#dialog .primary")
        await page.until("document.querySelector('#notice button')")
        assert "no response" in await words(page, "#notice")
        await page.js("window.fetch = window.real; 1")
        await click(page, "#notice button")
        await page.until("!document.querySelector('#tabs').hidden")


async def test_page_gets_the_texts_of_every_language_from_the_server(mini: Mini) -> None:
    async with held(mini, None) as page:
        texts: dict[str, dict[str, Any]] = await page.js("import('/app/page/texts.js').then((module) => module.TEXTS)")
    assert texts == {code: language.miniapp for code, language in locales.LANGUAGES.items()}
