"""Test of kill -9: the real process is killed at random moments under load, and the ledger is audited afterwards.

    python -m benchmarks.kills [TIMES] [SEED] [--database postgresql]

The sandbox (Telegram and the providers) runs here and survives every kill; `python -m main` is the process that is
killed. Twelve people ask all the time, and two HTTP clients repeat each call under its Idempotency-Key until it is
answered. After each kill the database is audited as it is, and the process starts again. At the end every prompt must
have been answered and charged once, no hold may be open, and no credit lost. Otherwise the exit code is 1.
"""

import argparse
import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

from benchmarks import postgres
from sandbox.app import Sandbox
from sandbox.telegram.world import Chat
from storage.database.connection import Connection, scalar
from storage.database.database import open_database
from storage.migrations import upgrade
from storage.operations.audit import audit

T = TypeVar("T")

PEOPLE, CLIENTS, FIRST = 12, 2, 5000
ADMIN_KEY = "admin-key-of-the-crash-tests"
CONFIG = """
[models.auto]
offers = ["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite"]
usd_per_mtok = "5.00"
[plans.free]
requests_per_minute = 100000
tokens_per_month = 100000000
[schedule]
expire_holds = 1
[backup]
folder = ""
"""


@dataclass
class Load:
    """Prompts from people, and the answers that HTTP clients have received."""

    sandbox: Sandbox
    url: str
    asked: dict[int, int] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    stopping: bool = False

    def populate(self) -> None:
        for user in range(FIRST, FIRST + PEOPLE):
            self.sandbox.world.users[user] = {"id": user, "is_bot": False, "first_name": f"P{user}"}
            self.sandbox.world.chats[user] = Chat(user, "private", f"P{user}", (user,))

    async def person(self, user: int) -> None:
        """Send the next prompt whenever the last one was answered."""
        while not self.stopping:
            self.asked[user] = self.asked.get(user, 0) + 1
            said = self.sandbox.world.say(user, user, f"number {self.asked[user]}: tell me about tea please")
            while not self._answered_since(user, said["message_id"]):  # noqa: ASYNC110 - the world has no event for it
                await asyncio.sleep(0.02)

    def _answered_since(self, user: int, message_id: int) -> bool:
        return any(
            message["message_id"] > message_id and _is_answer(message) for message in self.sandbox.world.messages(user)
        )

    async def client(self, name: int, key: str) -> None:
        """Repeat one call under one key until it is answered."""
        number = 0
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as http:
            while not self.stopping:
                number += 1
                await self._call(http, key, f"{name}-{number}")

    async def _call(self, http: httpx.AsyncClient, key: str, idempotency_key: str) -> None:
        body = {"model": "auto", "messages": [{"role": "user", "content": f"say {idempotency_key}"}], "max_tokens": 100}
        headers = {"authorization": f"Bearer {key}", "idempotency-key": idempotency_key}
        while True:
            try:
                response = await http.post("/v1/chat/completions", json=body, headers=headers)
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
                continue
            if response.status_code == httpx.codes.OK:
                self.answered.add(idempotency_key)
                return
            await asyncio.sleep(0.05)


def _is_answer(message: dict[str, object]) -> bool:
    sender = message.get("from")
    return isinstance(sender, dict) and bool(sender.get("is_bot")) and "text" in message and message["text"] != "…"


class Victim:
    """A process of `python -m main` in a folder of its own."""

    def __init__(self, folder: Path, sandbox: Sandbox, port: int, database: str) -> None:
        self._database, self.url = database, f"http://127.0.0.1:{port}"
        (folder / "farthing.toml").write_text(CONFIG)
        self._log = (folder / "log").open("ab")
        self._env = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "TELEGRAM_BOT_TOKEN": sandbox.token,
            "TELEGRAM_API_URL": sandbox.telegram_url,
            "ADMIN_IDS": str(sandbox.admin_id),
            "ADMIN_API_KEY": ADMIN_KEY,
            "DATABASE_URL": database,
            "FARTHING_CONFIG": str(folder / "farthing.toml"),
            "PORT": str(port),
        }
        for name in ("deepseek", "gemini"):
            self._env |= {f"{name.upper()}_BASE_URL": sandbox.provider_urls[name], f"{name.upper()}_API_KEY": "k"}
        self._folder = folder

    async def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: ASYNC220 - a fork, no wait
            [sys.executable, "-m", "main"], cwd=self._folder, env=self._env, stdout=self._log, stderr=self._log
        )
        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(1200):
                try:
                    if (await http.get(f"{self.url}/health")).is_success:
                        return
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)
        raise RuntimeError(f"it did not start: {(self._folder / 'log').read_text()[-2000:]}")

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def close(self) -> None:
        self._log.close()

    async def problems(self) -> list[str]:
        """Return the problems that the audit finds."""
        report = await self._read(lambda conn: audit(conn, full=True))
        return [str(problem) for problem in report.problems]

    async def number(self, sql: str) -> int:
        return int(await self._read(lambda conn: scalar(conn, sql)))

    async def _read(self, query: Callable[[Connection], T]) -> T:
        async with open_database(self._database) as db:
            return await db.read(query)


async def make_key(url: str) -> str:
    """Create a tenant over HTTP with a credit, which must still exist at the end."""
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as http:
        made = (await http.post("/admin/tenants", json={"name": "kills"})).json()
        path = f"/admin/tenants/{made['id']}"
        credit = {"usd": "7.00", "reason": "kept through kills"}
        (await http.post(f"{path}/credits", json=credit, headers={"idempotency-key": "once"})).raise_for_status()
        return str((await http.post(f"{path}/keys", json={"name": "k"})).json()["key"])


async def kill_often(times: int, seed: int, folder: Path, database: str) -> list[str]:
    chance, faults = random.Random(seed), list[str]()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with Sandbox(word_seconds=0.005) as sandbox:
        victim, load = Victim(folder, sandbox, port, database), Load(sandbox, f"http://127.0.0.1:{port}")
        load.populate()
        await victim.start()
        key = await make_key(victim.url)
        tasks = [asyncio.create_task(load.person(user)) for user in range(FIRST, FIRST + PEOPLE)]
        tasks += [asyncio.create_task(load.client(name, key)) for name in range(CLIENTS)]
        for number in range(times):
            await asyncio.sleep(chance.uniform(0.05, 2.5))
            victim.end(signal.SIGKILL)
            faults += [f"after kill {number + 1}: {problem}" for problem in await victim.problems()]
            await victim.start()
            if (number + 1) % 20 == 0:
                print(f"{number + 1} kills, {sum(load.asked.values())} prompts, {len(faults)} faults", flush=True)
        load.stopping = True
        done, late = await asyncio.wait(tasks, timeout=90)
        faults += [f"not answered in 90 s: {task}" for task in late]
        faults += [f"failed: {task.exception()}" for task in done if task.exception() is not None]
        for task in late:
            task.cancel()
        await settled(victim)
        faults += await final_check(victim, load)
        victim.close()
    return faults


async def settled(victim: Victim) -> None:
    """Wait, for two minutes at most, until everything is handled and sent."""
    for _ in range(240):
        if not await victim.number(UNDONE):
            return
        await asyncio.sleep(0.5)


UNDONE = """
SELECT (SELECT COUNT(*) FROM inbox WHERE state <> 'done') + (SELECT COUNT(*) FROM outbox WHERE state = 'new')
  + (SELECT COUNT(*) FROM holds WHERE state = 'open')
"""


async def final_check(victim: Victim, load: Load) -> list[str]:
    """Stop the process. Return the differences between the database and the sandbox."""
    code = victim.end(signal.SIGTERM)
    prompts, calls = sum(load.asked.values()), len(load.answered)
    telegram = await victim.number("SELECT COUNT(*) FROM attempts WHERE kept AND request_id NOT LIKE 'req-%'")
    http = await victim.number("SELECT COUNT(*) FROM attempts WHERE kept AND request_id LIKE 'req-%'")
    counted = {
        "prompts asked and answers charged": (prompts, telegram),
        "HTTP answers acknowledged and charged": (calls, http),
        "open holds": (0, await victim.number("SELECT COUNT(*) FROM holds WHERE state = 'open'")),
        "updates undone": (0, await victim.number("SELECT COUNT(*) FROM inbox WHERE state <> 'done'")),
        "parts unsent": (0, await victim.number("SELECT COUNT(*) FROM outbox WHERE state = 'new'")),
        "credits": (1, await victim.number("SELECT COUNT(*) FROM transfers WHERE kind = 'credit'")),
        "exit code": (0, code),
    }
    print(f"{prompts} prompts, {calls} HTTP calls; requests tried more than once:"
          f" {await victim.number('SELECT COUNT(*) FROM holds WHERE epoch > 1')}")  # fmt: skip
    return await victim.problems() + [f"{what}: {a} and {b}" for what, (a, b) in counted.items() if a != b]


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[str]:
    """Yield the URL of an empty, migrated database."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/farthing.db"
        if kind == "postgresql":
            host = stack.enter_context(postgres.server())
            url = f"postgresql://postgres@/postgres?host={host}"
        upgrade(url)
        yield url


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", type=int, nargs="?", default=20)
    parser.add_argument("seed", type=int, nargs="?", default=int(time.time()))
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    args = parser.parse_args()
    print(f"{args.times} kills on {args.database}, seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder = Path(place)
        with database_of(args.database, folder) as url:
            faults = asyncio.run(kill_often(args.times, args.seed, folder, url))
    print("\n".join(faults) or "every answer charged once and sent, the books clean after every kill")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
