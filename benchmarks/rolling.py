"""Test of a rolling restart: three `web` on one PostgreSQL are replaced one by one under HTTP prompts and a chat.

    python -m benchmarks.rolling [--rounds N] [--per-second N]

Each `web` gets SIGTERM, ends, and is started again while the others serve. A call that is refused is repeated at
another replica, as a balancer does. Exit 1 when a prompt was lost, cut, charged twice or sent twice, a process did not
exit with 0, or the books don't add up.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks import postgres
from benchmarks.calls import Calls
from benchmarks.cluster import Cluster, running_cluster
from benchmarks.replicas import CHARGED_TWICE, Talk, left_over, new_database, settled

PEOPLE, PROMPTS = 5, 6
PAUSE_SECONDS = 2.0
CLEAN = frozenset({"200", "503", "ConnectError", "ConnectTimeout"})
"""The ends of a call that leave no doubt: it was answered, or it was not taken."""


async def replace_all(cluster: Cluster, rounds: int) -> list[str]:
    """Replace each `web` once a round; return a sentence for each process that did not end well."""
    faults = []
    for _ in range(rounds):
        for each in cluster.webs:
            each.is_ready = False
            code = await asyncio.to_thread(each.end)
            if code:
                faults.append(f"{each.name} ended with {code}: {each.log.read_text()[-500:]}")
            await each.start()
            await asyncio.sleep(PAUSE_SECONDS)
    return faults


async def roll(cluster: Cluster, *, rounds: int, per_second: float) -> list[str]:
    """Return the faults of a rolling restart under load."""
    talk, calls = Talk(cluster, PEOPLE, PROMPTS), Calls(cluster, await cluster.make_key("100.00"))
    replacing = asyncio.create_task(replace_all(cluster, rounds))
    talking = asyncio.create_task(talk.run())
    asked = 0
    while not replacing.done():
        await calls.run(per_second, 5, first=asked)
        asked += int(per_second * 5)
    async with asyncio.timeout(300):
        await talking
    await settled(cluster)
    faults = [*replacing.result(), *await cluster.problems(), *await left_over(cluster)]
    charged = await cluster.number("SELECT COUNT(*) FROM attempts WHERE kept AND request_id NOT LIKE 'tg:%'")
    chats = await cluster.number("SELECT COUNT(*) FROM attempts WHERE kept AND request_id LIKE 'tg:%'")
    print(
        f"{3 * rounds} processes replaced; {calls.answered} of {asked} calls answered, {charged} charged, each try:"
        f" {dict(calls.ended)}, longest {calls.longest_seconds:.1f} s; {len(talk.waits)} of {PEOPLE * PROMPTS} prompts"
        f" in the chat answered, {talk.sent_twice} sent twice, longest wait {max(talk.waits):.1f} s"
    )
    if unclean := set(calls.ended) - CLEAN:
        faults.append(f"calls were cut: {sorted(unclean)}")
    if not calls.answered == charged == asked or await cluster.number(CHARGED_TWICE):
        faults.append(f"{asked} calls, {calls.answered} answered, {charged} charged")
    if chats != PEOPLE * PROMPTS or talk.sent_twice:
        faults.append(f"{PEOPLE * PROMPTS} prompts, {chats} charged, {talk.sent_twice} sent twice")
    return faults


async def run(folder: Path, host: str, args: argparse.Namespace) -> list[str]:
    async with running_cluster(folder, new_database(host, "rolling"), 3, 1, word_seconds=0.02) as cluster:
        return await roll(cluster, rounds=args.rounds, per_second=args.per_second)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--per-second", type=float, default=50)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, postgres.server() as host:
        faults = asyncio.run(run(Path(place), host, args))
    print("\n".join(faults) or "nothing lost, cut, charged twice or sent twice; the books clean")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
