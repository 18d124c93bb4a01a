"""HTTP prompts to the replicas of a cluster."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from benchmarks.cluster import Cluster, Replica


@dataclass
class Calls:
    """HTTP prompts at a steady rate. A call that breaks is repeated under its Idempotency-Key at another replica."""

    cluster: Cluster
    key: str
    ended: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    longest_seconds: float = 0.0

    async def run(self, per_second: float, seconds: float, *, first: int = 0) -> None:
        """Make the calls, numbered from `first` on."""
        tasks, began = [], time.monotonic()
        async with httpx.AsyncClient(trust_env=False, timeout=10, limits=httpx.Limits(max_connections=500)) as http:
            for number in range(int(per_second * seconds)):
                await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
                tasks.append(asyncio.create_task(self._call(http, first + number)))
            await asyncio.gather(*tasks)

    async def _call(self, http: httpx.AsyncClient, number: int) -> None:
        webs, began = self.cluster.webs, time.monotonic()
        for attempt in range(200):
            outcome = await self.once(http, webs[(number + attempt) % len(webs)], f"call-{number}")
            self.ended[outcome] += 1
            if outcome == "200":
                self.answered += 1
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
                return
            await asyncio.sleep(0.1)

    async def once(self, http: httpx.AsyncClient, replica: Replica, name: str) -> str:
        body = {"model": "auto", "messages": [{"role": "user", "content": f"say {name}"}], "max_tokens": 100}
        headers = {"authorization": f"Bearer {self.key}", "idempotency-key": name}
        try:
            answer = await http.post(f"{replica.url}/v1/chat/completions", json=body, headers=headers)
        except httpx.HTTPError as error:
            return type(error).__name__
        return str(answer.status_code)
