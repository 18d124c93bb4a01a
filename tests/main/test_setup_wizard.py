"""`make setup` at a real terminal, against the sandbox's Telegram and providers."""

import asyncio
import contextlib
import os
import pty
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from engine.providers.registry import specs
from main.sandbox import stand_in_providers
from main.setup_wizard import write_env
from sandbox.app import Sandbox

ROOT = Path(__file__).parents[2]
PROVIDERS = tuple(name for name, spec in specs().items() if spec.needs_key)  # in the order of the questions
SECRET = "sk-secret-of-the-tests"


class Terminal:
    """A program at a pseudo-terminal; `screen` is everything that it has shown."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._master, self._slave = pty.openpty()
        self.screen, self._seen = "", 0
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$0" -m main setup <"$TTY" >"$TTY" 2>&1', sys.executable],
            cwd=folder,
            env={**environ, "TTY": os.ttyname(self._slave)},
            start_new_session=True,  # the first terminal that a session leader opens becomes its controlling terminal
        )

    async def expect(self, words: str) -> None:
        async with asyncio.timeout(60):
            while words not in self.screen[self._seen :]:
                assert await self._more(), f"ended before {words!r}: {self.screen}"
        self._seen = self.screen.index(words, self._seen) + len(words)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    async def interrupt(self) -> None:
        """Press Ctrl-C until it has an effect: just before a read begins, it is noticed only after the read."""
        shown = len(self.screen)
        while len(self.screen) == shown:
            self.type("\x03")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._more()

    async def answer(self, prompt: str, text: str = "") -> None:
        await self.expect(prompt)
        await self.expect(": ")
        await self._waits_silently(prompt)
        self.type(text + "\n")

    async def ended(self) -> int:
        while await self._more():
            pass
        return await asyncio.to_thread(self._process.wait, 60)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)

    async def _waits_silently(self, prompt: str) -> None:
        """Wait until echo is off, if a secret is asked for."""
        async with asyncio.timeout(60):
            while prompt != "ADMIN_IDS" and termios.tcgetattr(self._master)[3] & termios.ECHO:
                await asyncio.sleep(0.005)

    async def _more(self) -> bool:
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._master, readable.set)
        try:
            await readable.wait()
            data = os.read(self._master, 4096)
        except OSError:  # the other side was closed
            return False
        finally:
            loop.remove_reader(self._master)
        if not self.screen:  # the program has opened its side, so ours can be closed
            os.close(self._slave)
        self.screen += data.decode()
        return bool(data)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(providers=stand_in_providers()) as started:
        yield started


def environ_of(sandbox: Sandbox) -> dict[str, str]:
    urls = {f"{name.upper()}_BASE_URL": sandbox.provider_urls[name] for name in PROVIDERS}
    path = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**path, **urls, "TELEGRAM_API_URL": sandbox.telegram_url, "PYTHONPATH": str(ROOT)}


@contextlib.contextmanager
def terminal(folder: Path, sandbox: Sandbox) -> Iterator[Terminal]:
    made = Terminal(folder, environ_of(sandbox))
    try:
        yield made
    finally:
        made.close()


async def skip(screen: Terminal, *names: str) -> None:
    for name in names:
        await screen.answer(f"{name.upper()}_API_KEY")


def between(first: str | None, last: str | None) -> tuple[str, ...]:
    """Return the providers whose keys are asked for after `first` (None: from the start) and before `last`."""
    start = PROVIDERS.index(first) + 1 if first else 0
    return PROVIDERS[start : PROVIDERS.index(last) if last else None]


async def test_from_nothing_to_a_bot_that_can_start(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.stand_ins.set_mode("deepseek", "key_refused")
    with terminal(tmp_path, sandbox) as screen:
        await screen.answer("TELEGRAM_BOT_TOKEN", "nonsense")
        await screen.expect("does not look like a bot token")
        await screen.answer("TELEGRAM_BOT_TOKEN", "11111:" + "x" * 35)
        await screen.expect("Telegram refuses that token")
        await screen.answer("TELEGRAM_BOT_TOKEN", sandbox.token)
        await screen.expect("It is @farthing_sandbox_bot")
        await screen.answer("ADMIN_IDS", "me")
        await screen.expect("That is not a number")
        await screen.answer("ADMIN_IDS", "9001")
        await skip(screen, *between(None, "deepseek"))
        await screen.answer("DEEPSEEK_API_KEY", SECRET)
        await screen.expect("deepseek refuses that key")
        await screen.answer("DEEPSEEK_API_KEY")
        await skip(screen, *between("deepseek", "gemini"))
        await screen.answer("GEMINI_API_KEY", f"{SECRET}, {SECRET}-2")
        await screen.expect("All 2 work")
        await skip(screen, *between("gemini", None))
        await screen.expect("All set. Start it with `make run`.")
        assert await screen.ended() == 0
    assert (tmp_path / ".env").read_text().splitlines() == [
        f"TELEGRAM_BOT_TOKEN={sandbox.token}",
        "ADMIN_IDS=9001",
        f"GEMINI_API_KEY={SECRET}, {SECRET}-2",
    ]
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert SECRET not in screen.screen
    assert sandbox.token not in screen.screen


async def test_second_run_keeps_existing_values(tmp_path: Path, sandbox: Sandbox) -> None:
    before = f"# mine\nTELEGRAM_BOT_TOKEN={sandbox.token}\n\nPORT=9000 # here\nGROQ_API_KEY=old\n"
    (tmp_path / ".env").write_text(before)
    with terminal(tmp_path, sandbox) as screen:
        await screen.answer("TELEGRAM_BOT_TOKEN [set; Enter keeps it]")
        await screen.answer("ADMIN_IDS")
        await skip(screen, *between(None, "groq"))
        await screen.answer("GROQ_API_KEY [set; Enter keeps it]", SECRET)
        await screen.expect("Works.")
        await skip(screen, *between("groq", None))
        assert await screen.ended() == 0
    assert (tmp_path / ".env").read_text() == before.replace("old", SECRET)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


async def test_with_all_skipped_it_says_what_is_missing_and_writes_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    with terminal(tmp_path, sandbox) as screen:
        await screen.answer("TELEGRAM_BOT_TOKEN")
        await screen.answer("ADMIN_IDS")
        await skip(screen, *PROVIDERS)
        await screen.expect("No provider is set yet, so nothing could be answered.")
        assert await screen.ended() == 1
    assert not (tmp_path / ".env").exists()


async def test_ctrl_c_halfway_changes_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / ".env").write_text("PORT=9000\n")
    with terminal(tmp_path, sandbox) as screen:
        await screen.answer("TELEGRAM_BOT_TOKEN", sandbox.token)
        await screen.answer("ADMIN_IDS", "9001")
        await screen.expect(f"{PROVIDERS[0].upper()}_API_KEY")
        await screen.interrupt()
        await screen.expect("Stopped; nothing was changed.")
        assert await screen.ended() == 130
    assert (tmp_path / ".env").read_text() == "PORT=9000\n"
    assert not (tmp_path / ".env.new").exists()


async def test_key_of_an_unreachable_provider_is_kept(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.stand_ins.set_mode("deepseek", "down")
    with terminal(tmp_path, sandbox) as screen:
        await screen.answer("TELEGRAM_BOT_TOKEN")
        await screen.answer("ADMIN_IDS")
        await skip(screen, *between(None, "deepseek"))
        await screen.answer("DEEPSEEK_API_KEY", SECRET)
        await screen.expect("Kept, but not checked")
        await skip(screen, *between("deepseek", None))
        await screen.expect("No bot token is set yet")
        assert await screen.ended() == 1
    assert f"DEEPSEEK_API_KEY={SECRET}" in (tmp_path / ".env").read_text()


def test_without_a_terminal_it_says_what_to_do_instead(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "main", "setup"],
        cwd=tmp_path,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Copy .env.example to .env" in done.stdout
    assert not (tmp_path / ".env").exists()


def test_repeated_variable_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("export A_API_KEY=1\nB=2\nA_API_KEY=3\n")
    path.chmod(0o644)
    write_env(path, {"A_API_KEY": "new", "C": "4"})
    assert path.read_text() == "A_API_KEY=new\nB=2\nC=4\n"
    assert path.stat().st_mode & 0o777 == 0o600
