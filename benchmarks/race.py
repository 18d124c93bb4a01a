"""Race of many calls for a small wallet: `python -m benchmarks.race [--calls N]`.

Two `web` replicas on one PostgreSQL, a wallet with money for three answers, and N simultaneous calls, half to each
replica. The answers last longer than all calls take to arrive, so that exactly three may be answered; the others must
get a 402.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

import httpx

from benchmarks import postgres
from benchmarks.cluster import CONFIG, Cluster, running_cluster
from benchmarks.replicas import new_database, settled

BODY = {"model": "auto", "messages": [{"role": "user", "content": "tell me about the sea"}], "max_tokens": 64}
ANSWERS, WARM_UP = 3, 4
WORD_SECONDS = 0.5
"""The stand-ins' pause between two words: an answer takes longer than all calls take to arrive."""
NO_ALLOWANCE = """
[plans.bare]
usd_per_month = "0"
tokens_per_month = 1
requests_per_minute = 10000
max_output_tokens = 1024
"""
_HELD = "SELECT wallet_nanousd FROM holds ORDER BY created_at DESC, request_id DESC LIMIT 1"


async def race(cluster: Cluster, calls: int) -> Counter[int]:
    """Return the number of calls by their status."""
    learned = await cluster.make_key("1", "bare")
    for number in range(WARM_UP):
        await _call(cluster, learned, number)  # until this prompt's hold has the size that it will have in the race
    held = await cluster.number(_HELD)
    key = await cluster.make_key(f"{ANSWERS * held / 10**9:.9f}", "bare")
    return Counter(await asyncio.gather(*(_call(cluster, key, number, stream=True) for number in range(calls))))


async def _call(cluster: Cluster, key: str, number: int, *, stream: bool = False) -> int:
    url = cluster.webs[number % 2].url
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=180) as http:
        answer = await http.post(f"{url}/v1/chat/completions", json={**BODY, "stream": stream})
    return answer.status_code


async def run(folder: Path, host: str, calls: int) -> list[str]:
    database, config = new_database(host, "race"), CONFIG + NO_ALLOWANCE
    async with running_cluster(folder, database, 2, 1, config=config, word_seconds=WORD_SECONDS) as cluster:
        ended = await race(cluster, calls)
        await settled(cluster)
        faults = await cluster.problems()
    others = {status: number for status, number in ended.items() if status not in {200, 402}}
    print(f"{calls} calls: {ended[200]} answered, {ended[402]} refused with 402, others {others}")
    if ended != Counter({200: ANSWERS, 402: calls - ANSWERS}):
        faults.append(f"expected {ANSWERS} answers and {calls - ANSWERS} refusals")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, postgres.server() as host:
        faults = asyncio.run(run(Path(place), host, args.calls))
    print("\n".join(faults) or "the books are clean")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
