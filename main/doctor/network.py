"""Checks over the network: Telegram's token, admins, webhook and clock; each provider's keys."""

import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from engine.errors import BalanceGone, KeyRefused, ProviderError
from engine.providers.registry import build
from engine.providers.spec import Spec
from main.doctor.finding import Finding, Level, fault, fine, warning
from main.engine_parts.catalog import all_specs
from main.settings import ProviderSettings, Settings

SECONDS = 15.0
MOST_SKEW_SECONDS = 60


async def check_telegram(settings: Settings) -> AsyncIterator[Finding]:
    """Check the token, the webhook, the admins and the clock. Without a token it checks nothing."""
    if not settings.token:
        yield fine("TELEGRAM_BOT_TOKEN", "not set; HTTP only")
        return
    base = f"{settings.env.telegram_api_url.rstrip('/')}/bot{settings.token}"
    try:
        async with httpx.AsyncClient(timeout=SECONDS, proxy=settings.env.telegram_proxy or None) as client:
            async for found in _check_bot(settings, client, base):
                yield found
    except (httpx.HTTPError, ValueError) as error:
        where = settings.env.telegram_api_url
        advice = "check the network; where Telegram is blocked, set TELEGRAM_PROXY"
        yield fault("Telegram", f"{where} does not answer ({type(error).__name__})", advice)


async def _check_bot(settings: Settings, client: httpx.AsyncClient, base: str) -> AsyncIterator[Finding]:
    response = await client.get(f"{base}/getMe")
    me = response.json()
    if not me.get("ok"):
        yield fault("TELEGRAM_BOT_TOKEN", "Telegram refuses it", "get the token from @BotFather and run `make setup`")
        return
    yield fine("TELEGRAM_BOT_TOKEN", f"it is @{me['result'].get('username', '?')}")
    if (found := clock_finding(response)) is not None:
        yield found
    yield _webhook(settings, (await client.get(f"{base}/getWebhookInfo")).json().get("result") or {})
    for admin in settings.env.admin_ids:
        answer = (await client.get(f"{base}/getChat", params={"chat_id": admin})).json()
        if answer.get("ok"):
            yield fine("ADMIN_IDS", f"{admin} can be told")
        else:
            yield warning("ADMIN_IDS", f"{admin} can't be told yet", "open the bot with that account and press Start")


def clock_finding(response: httpx.Response) -> Finding | None:
    """Compare this machine's clock with the Date header; return None if there is none."""
    try:
        skew = parsedate_to_datetime(response.headers.get("date", "")).timestamp() - time.time()
    except ValueError:
        return None
    if abs(skew) <= MOST_SKEW_SECONDS:
        return fine("clock", f"within {max(1, round(abs(skew)))} s of Telegram's")
    side = "slow" if skew > 0 else "fast"
    return warning(
        "clock", f"{round(abs(skew)):,} s {side}", "switch on time synchronisation: `timedatectl set-ntp true`"
    )


def _webhook(settings: Settings, info: dict[str, Any]) -> Finding:
    """Compare the current webhook with PUBLIC_URL, and show Telegram's last error for it."""
    url, wanted = str(info.get("url", "")), settings.env.public_url
    if not wanted:
        text = "long polling" + ("; the webhook that is set is removed at the start" if url else "")
        return fine("webhook", text)
    if not url:
        return fine("webhook", "not set yet; the next start sets it")
    if not url.startswith(wanted.rstrip("/") + "/"):
        return warning(
            "webhook", "another address is set", "the next start corrects it; is another service using this bot?"
        )
    if error := info.get("last_error_message"):
        advice = "check that PUBLIC_URL reaches this server from outside, with a valid certificate"
        return warning("webhook", f"Telegram's last call failed: {error}", advice)
    return fine("webhook", f"set; {info.get('pending_update_count', 0)} updates wait")


async def check_providers(settings: Settings) -> AsyncIterator[Finding]:
    """Check each configured provider's keys by its free probe, and that one of them works."""
    configured, works = 0, False
    for name, spec in all_specs(settings).items():
        given = settings.provider(name)
        if not given.keys and (spec.needs_key or not (spec.base_url or given.base_url)):
            continue
        configured += 1
        async for found in _check_keys(settings, name, spec):
            works = works or found.level is Level.FINE
            yield found
    if configured and not works:
        yield fault("providers", "no key works, so nothing can be answered now", "correct the first line above")
    if not configured:
        yield fault("providers", "none has a key, so nothing can be answered", "run `make setup`")


async def _check_keys(settings: Settings, name: str, spec: Spec) -> AsyncIterator[Finding]:
    given = settings.provider(name)
    keys = tuple(key.get_secret_value() for key in given.keys)
    provider = build(spec, keys=keys, base_url=given.base_url, proxy=given.proxy)
    try:
        for number in range(provider.keys):
            about = name if provider.keys == 1 else f"{name}, key {number + 1}"
            try:
                await provider.probe(number)
            except KeyRefused:
                advice = f"make a new key at {spec.console_url}" if spec.console_url else "correct the key"
                yield fault(about, "it refuses the key", advice)
            except BalanceGone:
                yield fault(about, "its balance is used up", f"top it up at {spec.console_url or 'the provider'}")
            except ProviderError as error:
                yield warning(about, f"it does not answer now ({error.detail or error.outcome})", _way(given, name))
            else:
                yield fine(about, "answers, and takes the key")
    finally:
        await provider.aclose()


def _way(given: ProviderSettings, name: str) -> str:
    """Return the advice on a provider that can't be reached: the settings that lead to it come first."""
    upper = name.upper().replace("-", "_")
    if given.proxy:
        return f"check that the proxy of {upper}_PROXY runs and lets calls pass"
    if given.base_url:
        return f"check that a server runs at {given.base_url}, else correct {upper}_BASE_URL"
    return "check the network and its status page"
