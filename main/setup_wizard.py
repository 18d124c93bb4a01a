"""The `setup` command: asks for token and keys, checks each at once, writes .env. Secrets are not echoed."""

import asyncio
import getpass
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from dotenv import dotenv_values

from engine.errors import BalanceGone, KeyRefused, ProviderError
from engine.providers.registry import Spec, build, specs
from main.settings import TELEGRAM_API, comma_separated

TOKEN = "TELEGRAM_BOT_TOKEN"  # noqa: S105 - the variable's name
_TOKEN_SHAPE = re.compile(r"^\d{5,}:[A-Za-z0-9_-]{30,}$")
_HEADLINE = """Farthing setup. Enter leaves a line as it is; what you paste is not shown.
"""


def ask_hidden(prompt: str) -> str:
    """Read a secret: from a terminal without echo, or one line from a pipe, so that setup can be scripted."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt).strip()
    sys.stdout.write(prompt + "\n")
    return sys.stdin.readline().strip()


def ask_open(prompt: str) -> str:
    """Read a value that is not a secret."""
    sys.stdout.write(prompt)
    sys.stdout.flush()
    return sys.stdin.readline().strip()


def has_input() -> bool:
    """Return True for a terminal, or a pipe that has more input."""
    pipe = sys.stdin.buffer
    return sys.stdin.isatty() or (isinstance(pipe, io.BufferedReader) and bool(pipe.peek(1)))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


@dataclass(slots=True)
class Wizard:
    """One run of the questions. `found`: the variables that are set already."""

    env_file: Path
    found: Mapping[str, str]
    secret: Callable[[str], str] = ask_hidden
    line: Callable[[str], str] = ask_open
    answers: dict[str, str] = field(default_factory=dict)

    async def run(self) -> int:
        """Ask, write .env, and return 0 if Farthing can start with these settings."""
        say(_HEADLINE)
        await self._token()
        self._admins()
        for spec in specs().values():
            await self._provider(spec)
        if self.answers:
            write_env(self.env_file, self.answers)
            say(f"\nWrote {', '.join(self.answers)} to {self.env_file} (readable by you alone).")
        return self._verdict()

    def value(self, name: str) -> str:
        return self.answers.get(name) or self.found.get(name, "")

    async def _token(self) -> None:
        say("Bot token: open @BotFather in Telegram, send /newbot, and paste the token it gives you.")
        while True:
            token = self.secret(f"  {TOKEN}{self._kept(TOKEN)}: ")
            if not token:
                return
            api_url, proxy = self.value("TELEGRAM_API_URL") or TELEGRAM_API, self.value("TELEGRAM_PROXY")
            verdict = await check_token(api_url, token, proxy)
            say(f"  {verdict.text}")
            if verdict.ok:
                self.answers[TOKEN] = token
                return

    def _admins(self) -> None:
        say("\nYour Telegram user id (a number; @userinfobot tells it): you get the alerts and the admin commands.")
        while given := self.line(f"  ADMIN_IDS{self._kept('ADMIN_IDS')}: "):
            if all(part.strip().isdigit() for part in given.split(",")):
                self.answers["ADMIN_IDS"] = given
                return
            say("  That is not a number; ids are comma separated, such as 12345,67890.")

    async def _provider(self, spec: Spec) -> None:
        if not spec.needs_key:
            return
        name = f"{spec.name.upper()}_API_KEY"
        free = " It has a free tier." if spec.free_tier else ""
        say(f"\n{spec.name}: keys at {spec.console_url}.{free}")
        while given := self.secret(f"  {name}{self._kept(name)}: "):
            verdict = await check_keys(spec, given, self.found.get(f"{spec.name.upper()}_BASE_URL"))
            say(f"  {verdict.text}")
            if verdict.ok:
                self.answers[name] = given
                return

    def _kept(self, name: str) -> str:
        return " [set; Enter keeps it]" if self.value(name) else " [Enter skips]"

    def _verdict(self) -> int:
        providers = [s for s in specs().values() if self.value(f"{s.name.upper()}_API_KEY")]
        local = self.value("LOCAL_BASE_URL")
        if not providers and not local:
            say("\nNo provider is set yet, so nothing could be answered. Run `make setup` again with a key.")
            return 1
        if not self.value(TOKEN):
            say("\nNo bot token is set yet, so Farthing would serve HTTP only. Run `make setup` again with one.")
            return 1
        say("\nAll set. Start it with `make run`.")
        return 0


@dataclass(frozen=True, slots=True)
class Verdict:
    ok: bool
    text: str


async def check_token(api_url: str, token: str, proxy: str = "") -> Verdict:
    """Check a token by the Bot API's getMe, through a proxy if one is set."""
    if not _TOKEN_SHAPE.match(token):
        return Verdict(False, "That does not look like a bot token (12345678:AA...); please paste it whole.")
    try:
        async with httpx.AsyncClient(timeout=15, proxy=proxy or None) as client:
            response = await client.get(f"{api_url.rstrip('/')}/bot{token}/getMe")
            me = response.json()
    except (httpx.HTTPError, ValueError):
        return Verdict(False, f"{api_url} does not answer; check your network and try again.")
    if not me.get("ok"):
        return Verdict(False, "Telegram refuses that token; please paste it again.")
    return Verdict(True, f"It is @{me['result'].get('username', '?')}.")


async def check_keys(spec: Spec, given: str, base_url: str | None) -> Verdict:
    """Check each key by the provider's free probe."""
    keys = comma_separated(given)
    provider = build(spec, keys=keys, base_url=base_url or None)
    try:
        for number in range(len(keys)):
            await provider.probe(number)
    except KeyRefused:
        return Verdict(False, f"{spec.name} refuses that key; please paste it again, or Enter to skip.")
    except BalanceGone:
        return Verdict(True, "The key is good, but its balance is empty: top it up before you rely on it.")
    except ProviderError as error:
        return Verdict(True, f"Kept, but not checked: {spec.name} does not answer now ({error.outcome}).")
    finally:
        await provider.aclose()
    return Verdict(True, "Works." if len(keys) == 1 else f"All {len(keys)} work.")


def write_env(path: Path, answers: Mapping[str, str]) -> None:
    """Replace or add the lines of `answers` atomically; only the owner may read the file."""
    path = path.resolve()
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    lines_out: list[str] = []
    left = dict(answers)
    for text in lines:
        name = text.partition("=")[0].strip().removeprefix("export ").strip()
        if name not in answers:
            lines_out.append(text)
        elif name in left:  # a later line of the same name would override this one, so it is dropped
            lines_out.append(f"{name}={left.pop(name)}")
    lines_out += [f"{name}={value}" for name, value in left.items()]
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines_out) + "\n")
    draft.replace(path)


def run_setup(env_file: Path = Path(".env")) -> int:
    """Run the command; return its exit code. Ctrl-C leaves .env unchanged."""
    if not has_input():
        say("Setup asks questions, and there is no terminal to answer them. Copy .env.example to .env and fill it in.")
        return 2
    found = {key: value for key, value in {**dotenv_values(env_file), **os.environ}.items() if value}
    # asyncio handles the first Ctrl-C itself, which would not interrupt a question that waits for input.
    signal.signal(signal.SIGINT, _interrupt)
    try:
        return asyncio.run(Wizard(env_file, found).run())
    except (KeyboardInterrupt, EOFError):
        say("\nStopped; nothing was changed.")
        return 130


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
