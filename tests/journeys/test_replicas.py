"""Real processes on one PostgreSQL: two `web` and two `clock`, killed and frozen under load.

benchmarks/replicas.py runs the same for longer.
"""

import asyncio
import shutil
import signal
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from benchmarks.cluster import ADMIN_KEY, CONFIG, Cluster, Replica, running_cluster
from benchmarks.replicas import CHARGED_TWICE, UNDONE, Talk, settled
from sandbox.providers.stand_in import MODES
from tests.storage.conftest import Server, postgres_server, postgres_template

__all__ = ["postgres_server", "postgres_template"]

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl for the webhook's certificate"),
]
OFFER = "deepseek/deepseek-v4-flash"
PEOPLE, PROMPTS, CALLS = 6, 2, 60
BARE = """
[plans.bare]
usd_per_month = "0"
tokens_per_month = 1
requests_per_minute = 1000
max_output_tokens = 1024
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(
    postgres_server: Server, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    url = postgres_server.create(f"t{uuid.uuid4().hex}", postgres_template)
    folder: Path = tmp_path_factory.mktemp("replicas")
    async with running_cluster(folder, url, 2, 2, config=f"{CONFIG}{BARE}") as started:
        yield started


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(120):
        while not await condition():
            await asyncio.sleep(0.1)


async def status(replica: Replica) -> str:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    async with httpx.AsyncClient(base_url=replica.url, headers=headers, trust_env=False, timeout=60) as http:
        rows = (await http.get("/providers")).json()
    offers = [offer for row in rows["data"] if row["name"] == "deepseek" for offer in row["offers"]]
    (offer,) = (each for each in offers if OFFER.endswith(f"/{each['model']}"))
    return str(offer["status"])


KEPT = "SELECT count(*) FROM attempts WHERE kept AND request_id LIKE 'tg:%'"


async def test_small_wallet_pays_what_it_holds_of_many_calls_at_two_replicas(cluster: Cluster) -> None:
    key = await cluster.make_key("0.002", "bare")  # at $5 per million tokens, less than 4 x 100 tokens
    body = {"model": "auto", "messages": [{"role": "user", "content": "say tea"}], "max_tokens": 100}
    headers = {"authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60, limits=limits) as http:

        async def call(number: int) -> int:
            url = cluster.webs[number % 2].url
            return (await http.post(f"{url}/v1/chat/completions", json=body)).status_code

        ended = Counter(await asyncio.gather(*map(call, range(CALLS))))
    assert set(ended) <= {200, 402}
    assert 1 <= ended[200] <= 12
    assert await cluster.number("SELECT count(*) FROM attempts WHERE kept AND asked = 'auto'") == ended[200]
    assert await cluster.problems() == []


async def test_prompts_are_answered_once_while_replicas_die_and_stand_still(cluster: Cluster) -> None:
    talk = Talk(cluster, PEOPLE, PROMPTS)
    one, two = cluster.webs
    talking = asyncio.create_task(talk.run())
    await asyncio.sleep(0.3)
    one.kill()
    await one.start()
    two.send(signal.SIGSTOP)
    await asyncio.sleep(0.5)
    await asyncio.wait_for(talking, 200)
    two.send(signal.SIGCONT)
    await settled(cluster)
    asked = PEOPLE * PROMPTS
    assert len(talk.waits) == asked
    assert talk.sent_twice <= PEOPLE  # answers that a process had sent but not yet recorded
    deadline = time.monotonic() + 60  # an answer sent twice may pass for the next one, which still comes
    while (kept := await cluster.number(KEPT)) < asked and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    assert kept == asked, [each.get("text") for user in talk.users for each in talk.answers(user)]
    assert await cluster.number(CHARGED_TWICE) == 0
    assert await cluster.number(UNDONE) == 0
    assert await cluster.problems() == []


async def test_outage_rests_everywhere_and_its_end_is_reported_once_though_the_leader_dies(cluster: Cluster) -> None:
    one, two = cluster.webs
    key, world = await cluster.make_key("1.00"), cluster.sandbox.world
    cluster.sandbox.stand_ins.set_mode("deepseek", "down")
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, trust_env=False, timeout=60) as http:
        body = {"model": OFFER, "messages": [{"role": "user", "content": "say tea"}], "max_tokens": 50}
        await asyncio.gather(*(http.post(f"{one.url}/v1/chat/completions", json=body) for _ in range(8)))
    assert await status(one) == "resting"

    async def rests_too() -> bool:
        return await status(two) == "resting"

    await until(rests_too)  # this process never asked the provider itself

    async def is_told() -> bool:
        return await cluster.number("SELECT count(*) FROM incidents WHERE state <> 'closed'") > 0

    await until(is_told)
    (leader,) = await _leaders(cluster)
    leader.kill()
    cluster.sandbox.stand_ins.set_mode("deepseek", MODES[0])
    admin = cluster.sandbox.admin_id

    def recoveries() -> list[str]:
        return [str(each["text"]) for each in world.messages(admin) if "is back after" in str(each.get("text", ""))]

    async def is_back() -> bool:
        return bool(recoveries())

    await until(is_back)
    await asyncio.sleep(1)
    assert len(recoveries()) == 1


async def _leaders(cluster: Cluster) -> list[Replica]:
    """Return the process that leads the clock."""
    pid = await cluster.number("SELECT pid FROM leases JOIN leaders ON leases.id = leaders.lease_id")
    return [each for each in cluster.replicas.values() if each.process is not None and each.process.pid == pid]


async def test_replicas_stop_cleanly_and_keep_the_webhook(cluster: Cluster) -> None:
    assert cluster.webs[0].end() == 0
    assert cluster.sandbox.world.updates.webhook is not None
    talk = Talk(cluster, 1, 1)
    before = len(talk.answers(talk.users[0]))
    cluster.sandbox.world.say(talk.users[0], talk.users[0], "are you there?")

    async def is_answered() -> bool:
        return len(talk.answers(talk.users[0])) > before

    await until(is_answered)
