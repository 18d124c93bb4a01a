"""Test of many machines: real `web` and `clock` processes on one PostgreSQL are killed, frozen and revived under load.

    python -m benchmarks.replicas [people|http|throughput|all] [--seconds N] [--seed N]

people: 20 people ask 4 prompts each, and every five seconds a replica is killed or frozen. http: 50 prompts a second
over three replicas, one killed every ten seconds. throughput: HTTP answers a second with one, two and three replicas,
and the CPU that an answer takes in each part (Linux only).
Exit 1 when a prompt was lost, charged twice or answered twice too often, or when the books don't add up.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

import locales
from benchmarks import postgres
from benchmarks.calls import Calls
from benchmarks.cluster import Cluster, Replica, cpu_seconds, running_cluster
from sandbox.telegram.world import Chat
from storage.migrations import upgrade

FIRST = 5000
TWICE_SHARE = 0.10
FROZEN_SECONDS = 9.0
PROGRESS_SECONDS = 10.0
WAITING = "SELECT state, COUNT(*) AS n FROM inbox WHERE state <> 'done' GROUP BY state"
UNDONE = """
SELECT (SELECT COUNT(*) FROM inbox WHERE state <> 'done') + (SELECT COUNT(*) FROM outbox WHERE state = 'new')
  + (SELECT COUNT(*) FROM holds WHERE state = 'open')
"""
CHARGED_TWICE = """
SELECT COUNT(*) FROM (SELECT request_id FROM attempts WHERE kept GROUP BY request_id HAVING COUNT(*) > 1) AS twice
"""


@dataclass
class Talk:
    """People in private chats. Each asks the next prompt when the last one was answered."""

    cluster: Cluster
    people: int
    prompts: int
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self.cluster.sandbox.world
        for user in self.users:
            world.users[user] = {"id": user, "is_bot": False, "first_name": f"P{user}"}
            world.chats[user] = Chat(user, "private", f"P{user}", (user,))

    @property
    def users(self) -> range:
        return range(FIRST, FIRST + self.people)

    async def run(self) -> None:
        await asyncio.gather(*map(self._person, self.users))

    async def _person(self, user: int) -> None:
        for number in range(self.prompts):
            began = time.monotonic()
            said = self.cluster.sandbox.world.say(user, user, f"number {number}: tell me about tea please")
            while not any(each["message_id"] > said["message_id"] for each in self.answers(user)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            self.waits.append(time.monotonic() - began)

    def answers(self, user: int) -> list[dict[str, object]]:
        """Return the bot's answers in a chat: neither previews nor the note of a process that stops."""
        messages = self.cluster.sandbox.world.messages(user)
        others = {"…", locales.text("en", "error.Closing")}
        return [
            each for each in messages if (each.get("from") or {}).get("is_bot") and each.get("text", "…") not in others
        ]

    @property
    def sent_twice(self) -> int:
        return sum(max(0, len(self.answers(user)) - self.prompts) for user in self.users)


@dataclass
class Trouble:
    """Kills or freezes a replica every `every_seconds`; a killed one is started again, a frozen one continues later."""

    cluster: Cluster
    every_seconds: float
    chance: random.Random
    freezes: bool = True
    done: Counter[str] = field(default_factory=Counter)
    _later: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self.every_seconds)
            able = [each for each in self.cluster.webs if each.is_ready and not each.is_frozen]
            if len(able) > 1:
                self._begin(self.chance.choice(able))

    def _begin(self, victim: Replica) -> None:
        freezes = self.freezes and bool(self.done.total() % 2)
        self.done["frozen" if freezes else "killed"] += 1
        if freezes:
            victim.send(signal.SIGSTOP)
        else:
            victim.kill()
        task = asyncio.create_task(self._thaw(victim) if freezes else victim.start())
        self._later.add(task)

    async def _thaw(self, victim: Replica) -> None:
        await asyncio.sleep(FROZEN_SECONDS)
        victim.send(signal.SIGCONT)

    async def settle(self) -> None:
        await asyncio.gather(*self._later)


async def people(cluster: Cluster, *, people: int, prompts: int, every_seconds: float, seed: int) -> list[str]:
    """Return the faults of a conversation during kills and freezes."""
    talk, trouble = Talk(cluster, people, prompts), Trouble(cluster, every_seconds, random.Random(seed))
    running = asyncio.create_task(trouble.run())
    telling = asyncio.create_task(progress(cluster, talk))
    try:
        async with asyncio.timeout(120 + 4 * people * prompts):
            await talk.run()
    except TimeoutError:
        pass
    running.cancel()
    telling.cancel()
    await trouble.settle()
    await settled(cluster)
    asked = people * prompts
    charged = await cluster.number("SELECT COUNT(*) FROM attempts WHERE kept AND request_id LIKE 'tg:%'")
    print(
        f"{len(talk.waits)} of {asked} prompts answered, {talk.sent_twice} sent twice, {charged} charged;"
        f" {dict(trouble.done)}; longest wait {max(talk.waits, default=0):.1f} s"
    )
    faults = [*await cluster.problems(), *await left_over(cluster)]
    if len(talk.waits) < asked:
        faults.append(f"{asked - len(talk.waits)} prompts were lost")
    if charged != asked:
        faults.append(f"{asked} prompts, {charged} charged")
    if talk.sent_twice > TWICE_SHARE * asked:
        faults.append(f"{talk.sent_twice} of {asked} answers were sent twice")
    return faults


async def progress(cluster: Cluster, talk: Talk) -> None:
    """Print the number of answers and the states of replicas and inbox to standard error, every ten seconds."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        replicas = " ".join(f"{each.name}:{each.state}" for each in cluster.replicas.values())
        counts = await cluster.read(lambda conn: conn.rows(WAITING))
        waiting = " ".join(f"{each['state']}:{each['n']}" for each in counts)
        print(
            f"{time.monotonic() - began:4.0f} s: {len(talk.waits)} answered; {replicas}; inbox {waiting or 'empty'}",
            file=sys.stderr,
            flush=True,
        )


async def http_calls(
    cluster: Cluster, *, per_second: float, seconds: float, every_seconds: float, seed: int
) -> list[str]:
    """Return the faults of HTTP prompts while replicas are killed."""
    calls = Calls(cluster, await cluster.make_key("100.00"))
    trouble = Trouble(cluster, every_seconds, random.Random(seed), freezes=False)
    running = asyncio.create_task(trouble.run())
    await calls.run(per_second, seconds)
    running.cancel()
    await trouble.settle()
    await settled(cluster)
    asked = int(per_second * seconds)
    charged = await cluster.number("SELECT COUNT(*) FROM attempts WHERE kept AND request_id NOT LIKE 'tg:%'")
    twice = await cluster.number(CHARGED_TWICE)
    print(f"{calls.answered} of {asked} calls answered, {charged} charged, {twice} twice; {dict(trouble.done)};"
          f" each try: {dict(calls.ended)}; longest {calls.longest_seconds:.1f} s")  # fmt: skip
    faults = [*await cluster.problems(), *await left_over(cluster)]
    if calls.answered < asked:
        faults.append(f"{asked - calls.answered} calls got no answer")
    if charged != asked or twice:
        faults.append(f"{asked} calls, {charged} charged, {twice} twice")
    return faults


async def throughput(folder: Path, host: str, seconds: float) -> None:
    """Print the HTTP answers per second with one, two and three replicas.

    Telegram itself accepts 30 messages per second.
    """
    for replicas in (1, 2, 3):
        database = new_database(host, f"throughput{replicas}")
        async with running_cluster(folder, database, replicas, 1, word_seconds=0.0) as cluster:
            calls = Calls(cluster, await cluster.make_key("1000.00"))
            await _most_calls(calls, 2)
            before, answered = cpu_seconds(cluster), calls.ended["200"]
            per_second = await _most_calls(calls, seconds) - answered / seconds
            took = {part: used - before[part] for part, used in cpu_seconds(cluster).items()}
            parts = ", ".join(f"{part} {1000 * used / (per_second * seconds):.1f}" for part, used in took.items())
            busy = sum(took.values()) / seconds
            print(
                f"{replicas} web: {per_second:.0f} HTTP answers/s; CPU ms an answer: {parts}; {busy:.2f} cores busy",
                flush=True,
            )


async def _most_calls(calls: Calls, seconds: float) -> float:
    """Return the calls per second of 48 clients that call without a pause."""
    until, made = time.monotonic() + seconds, 0

    async def client(name: int) -> None:
        nonlocal made
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            while time.monotonic() < until:
                made += 1
                webs = calls.cluster.webs
                calls.ended[await calls.once(http, webs[made % len(webs)], f"free-{name}-{made}")] += 1

    await asyncio.gather(*map(client, range(48)))
    return calls.ended["200"] / seconds


async def settled(cluster: Cluster) -> None:
    """Wait, for a minute at most, until everything is handled and sent."""
    for _ in range(120):
        if not await cluster.number(UNDONE):
            return
        await asyncio.sleep(0.5)


async def left_over(cluster: Cluster) -> list[str]:
    undone = await cluster.number(UNDONE)
    return [f"{undone} updates, messages or holds are left over"] if undone else []


def new_database(host: str, name: str) -> str:
    """Create and migrate a database on the server at `host`."""
    import psycopg  # noqa: PLC0415 - for this script alone

    with psycopg.connect(f"postgresql://postgres@/postgres?host={host}", autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"'.encode())
    url = f"postgresql://postgres@/{name}?host={host}"
    upgrade(url)
    return url


async def run(folder: Path, host: str, args: argparse.Namespace) -> list[str]:
    faults: list[str] = []
    if args.what in ("people", "all"):
        async with running_cluster(folder, new_database(host, "people"), 3, 2, word_seconds=0.05) as cluster:
            faults += await people(cluster, people=20, prompts=4, every_seconds=5, seed=args.seed)
    if args.what in ("http", "all"):
        async with running_cluster(folder, new_database(host, "http"), 3, 2) as cluster:
            faults += await http_calls(
                cluster, per_second=args.per_second, seconds=args.seconds, every_seconds=10, seed=args.seed
            )
    if args.what in ("throughput", "all"):
        await throughput(folder, host, min(args.seconds, 15))
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("people", "http", "throughput", "all"), nargs="?", default="all")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--per-second", type=float, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, postgres.server() as host:
        faults = asyncio.run(run(Path(place), host, args))
    print("\n".join(faults) or "every prompt answered and charged once, the books clean")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
