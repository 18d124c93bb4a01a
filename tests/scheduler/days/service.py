"""The service in a simulated day: processes with one database, killed and replaced, and the people who ask."""

import asyncio
import json
import random
from collections.abc import Coroutine
from contextlib import suppress
from fractions import Fraction
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import ChatRequest, Role, says
from engine.errors import EngineError
from engine.gateway.gateway import Gateway
from engine.gateway.question import Market
from engine.money import Money
from engine.routing.health import Health, HealthPolicy
from engine.tenancy import Flat, Plan, Tenant
from main.config_sections import ScheduleSection
from main.replicas.parts import engine_parts
from scheduler.context import JobContext
from scheduler.fenced_database import FencedDatabase
from scheduler.jobs import alerts, balances, expire_holds, outages, prices, probe_providers, quotas, rollups, slowness
from storage.alerts.admin_notices import LONGEST_PAUSE
from storage.database import leases
from storage.database.connection import Connection
from storage.database.leases import Lease
from storage.ledger import transfers
from storage.ledger.journal import SqlJournal
from storage.ledger.ledger import SqlLedger
from storage.operations import leaders
from storage.operations.leaders import LeadershipLost
from storage.reports.losses import SqlLosses
from storage.tenants import tenants
from tests.scheduler.days.inline import DatabaseGone, InlineDatabase
from tests.scheduler.days.mortal import START, LoopClock, Mortal, ProcessKilled, Telegram
from tests.scheduler.days.rare import intervene
from tests.scheduler.days.weather import DATABASE, Interruption, SimulatedProvider, Weather

OFFERS = tuple(Offer.named(name) for name in ("deepseek/a", "deepseek/b", "gemini/a", "openai/a"))
PRICES = dict(
    zip((each.name for each in OFFERS), (("0.10", "0.20"), ("0.12", "0.24"), ("0.30", "0.6"), ("2", "8")), strict=True)
)
PLAN = Plan(
    name="free",
    usd_per_month=Money(0),
    tokens_per_month=10**12,
    requests_per_minute=10**6,
    max_output_tokens=1024,
)
JOBS = (alerts, balances, expire_holds, outages, prices, probe_providers, quotas, rollups, slowness)
TOLD_SECONDS, LEADER_SECONDS, ALERTS_SECONDS = 1.0, 2.0, 30.0
AUTO_SHARE = 0.6
"""The share of prompts that ask for no model by name."""


class Process:
    """One process with its own memory: the engine, and the jobs while it leads."""

    def __init__(self, day: "Day", *, clock: bool) -> None:
        self.day, self.clock, self.ports = day, day.clock, Mortal(day.db, day.telegram)
        providers = {
            name: SimulatedProvider(name, day.weather, day.chance) for name in dict.fromkeys(o.provider for o in OFFERS)
        }
        self.book = PriceBook({name: flat_price(*price) for name, price in day.prices.items()})
        model = Model("auto", tuple(each for each in OFFERS if each.name not in day.removed), Flat(5 * 10**12))
        catalog = Catalog({"auto": model}, self.book, providers.__contains__, named_markup=Fraction(2))
        policy = HealthPolicy()
        health = Health(policy, self.clock, dict.fromkeys(providers, 1), day.chance.random)
        journal = SqlJournal(self.ports)
        self.offers = model.offers
        self.market = Market(catalog, health, providers, journal, self.clock, policy)
        self.lease = Lease(self.ports, self.clock)
        self.ports.may_send = self.lease.is_held
        ledger = SqlLedger(self.ports, self.lease, self.clock, {})
        self.gateway = Gateway(self.market, ledger, losses=SqlLosses(self.ports, self.clock))
        self.parts = engine_parts(self.market)
        self._tasks: list[asyncio.Task[None]] = []
        self._asked = set[asyncio.Task[None]]()
        self.leads = False
        self._is_clock, self._jobs = clock, dict[str, asyncio.Task[None]]()

    async def start(self) -> None:
        await self.lease.__aenter__()
        self._go(self.day.exchange(self))
        if self._is_clock:
            self._go(self._lead())

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def kill(self) -> None:
        """End every task immediately; nothing is written or sent any more."""
        self.ports.alive = False
        tasks = [*self._asked, *self._tasks, *self._jobs.values(), *([self.lease._task] if self.lease._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.day.weather.interventions:  # as the end of a process shows on one machine, by any clock
            await self.day.db.write(lambda conn: conn.run("DELETE FROM leases WHERE id = :id", id=self.lease.id))

    def successor(self) -> "Process":
        return Process(self.day, clock=self._is_clock)

    async def _lead(self) -> None:
        epoch: int | None = None
        while True:
            await self.ports.awake.wait()
            with suppress(DatabaseGone):
                found = await self.ports.write(self._take_the_lead)
                if found is not None and found != epoch:
                    self._begin(found)
                epoch, self.leads = found, found is not None
            await asyncio.sleep(LEADER_SECONDS)

    def _take_the_lead(self, conn: Connection) -> int | None:
        dead = leases.dead(conn, self.clock.now(), self.lease.id)
        return leaders.lead(conn, "clock", self.lease.id, dead)

    def _begin(self, epoch: int) -> None:
        context = JobContext(
            FencedDatabase(self.ports, "clock", self.lease.id, epoch),
            self.market,
            {PLAN.name: PLAN},
            self.ports,
            self.clock,
            self.lease.id,
            per_star=Money(13_000_000),
            payout_per_star=Money(13_000_000),
        )
        seconds = {**ScheduleSection().model_dump(), "alerts": ALERTS_SECONDS}
        for each in JOBS:
            self._jobs[each.JOB.name] = asyncio.create_task(self._repeat(each.JOB, context, seconds[each.JOB.every]))

    async def _repeat(self, job: Any, context: JobContext, seconds: float) -> None:
        while True:
            try:
                await job.run(context)
            except (ProcessKilled, LeadershipLost):
                return
            except DatabaseGone:  # as in production: the next run finds what is due
                pass
            except Exception as error:  # noqa: BLE001 - told by the oracle
                self.day.errors.append(f"{job.name}: {error!r}")
            await asyncio.sleep(seconds)

    def ask(self, number: int, tenant: Tenant) -> None:
        task = asyncio.create_task(self._ask(number, tenant))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def _ask(self, number: int, tenant: Tenant) -> None:
        asked = "auto" if self.day.chance.random() < AUTO_SHARE else self.day.chance.choice(self.offers).name
        request = ChatRequest(f"r{number}", asked, (says(Role.USER, "say something about tea"),))
        with suppress(EngineError, ProcessKilled, DatabaseGone):
            async with self.gateway.answer(tenant, request) as answer:
                await answer.whole()


def _rich_tenant(conn: Connection) -> int:
    made = tenants.create(conn, "Ann", PLAN, now=START)
    transfers.credit(conn, made, Money.usd("1000"), ref="gift", reason="a long day", now=START)
    return made


class Day:
    """A simulated day. `kills`: moments when a process is killed; another one replaces it a little later."""

    def __init__(self, weather: Weather, seed: int, *, replicas: bool, prompts_per_minute: float = 8) -> None:
        self.weather, self.chance, self.replicas = weather, random.Random(seed), replicas
        self.db, self.telegram = InlineDatabase(), Telegram()
        self.prices: dict[str, tuple[str, str]] = dict(PRICES)
        self.clock, self.removed = LoopClock(), set[str]()
        if weather.interventions:
            self.telegram.admins, self.telegram.blocked_by = (9002, *self.telegram.admins), frozenset({9002})
        self.processes: list[Process] = []
        self.told: list[tuple[float, Process, str]] = []
        self.errors: list[str] = []
        self.downtimes: list[tuple[float, float]] = []
        self.repriced: list[tuple[float, str]] = []
        self._every_seconds = 60 / prompts_per_minute

    async def run(self, hours: float, *, kill_every_seconds: float = 1800, reprice_every_seconds: float = 5000) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + 3600 * hours
        tenant = Tenant(await self.db.write(_rich_tenant), PLAN)
        await self._start()
        acts = [
            asyncio.create_task(self._traffic(tenant)),
            asyncio.create_task(self._kills(kill_every_seconds)),
            asyncio.create_task(self._reprice(reprice_every_seconds)),
            *(asyncio.create_task(self._interrupt(each)) for each in self.weather.interruptions),
            *(asyncio.create_task(intervene(self, each)) for each in self.weather.interventions),
        ]
        await asyncio.sleep(end - loop.time())
        for act in acts:
            act.cancel()
        results = await asyncio.gather(*acts, return_exceptions=True)
        self.errors += [repr(each) for each in results if isinstance(each, Exception)]
        for process in self.processes:
            await process.kill()
        await self.db.__aexit__()

    async def _start(self) -> None:
        roles = [(True, False)] if not self.replicas else [(False, False), (True, True), (True, True)]
        for clock, _ in roles:
            await self.enter(Process(self, clock=clock))

    async def enter(self, process: Process) -> None:
        now = asyncio.get_running_loop().time()
        if self.replicas:
            for at, _, told in self.told:
                if at > now - 600:
                    self._apply(process, told, now - at)
        await process.start()
        self.processes.append(process)

    async def exchange(self, process: Process) -> None:
        """Send, once a second, the facts that this process has learned to the others."""
        while self.replicas:
            facts = {name: found for name, part in process.parts.items() if (found := part.take())}
            if facts:
                told = json.dumps(facts)
                self.told.append((asyncio.get_running_loop().time(), process, told))
                for other in self.processes:
                    if other is not process:
                        self._apply(other, told, 0.0)
            await asyncio.sleep(TOLD_SECONDS)

    @staticmethod
    def _apply(process: Process, told: str, age_seconds: float) -> None:
        for name, facts in json.loads(told).items():
            process.parts[name].apply(facts, age_seconds)

    async def _traffic(self, tenant: Tenant) -> None:
        number = 0
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / self._every_seconds))
            if self.processes:
                number += 1
                self.processes[0].ask(number, tenant)

    async def _kills(self, every_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / every_seconds))
            if not self.processes:  # they are being replaced
                continue
            victim = self.chance.choice(self.processes)
            self.processes.remove(victim)
            began = loop.time()
            await victim.kill()
            await asyncio.sleep(self.chance.choice([1, 5, 20]))
            while self.db.is_gone:
                await asyncio.sleep(1)
            await self.enter(victim.successor())
            if not victim._is_clock:
                self.processes.insert(0, self.processes.pop())
            self.downtimes.append((began, loop.time() + (9 if self.replicas else 1)))

    async def _interrupt(self, interruption: Interruption) -> None:
        """Take the database or Telegram away for a while."""
        loop, gone = asyncio.get_running_loop(), interruption.subject is DATABASE
        await asyncio.sleep(interruption.begins - loop.time())
        self.db.is_gone, self.telegram.is_offline = gone, not gone
        await asyncio.sleep(interruption.ends - loop.time())
        self.db.is_gone = self.telegram.is_offline = False
        self.downtimes.append((interruption.begins, interruption.ends + (10 if gone else LONGEST_PAUSE.seconds)))

    async def _reprice(self, every_seconds: float) -> None:
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / every_seconds))
            name = self.chance.choice(sorted(self.prices))
            if self.weather.interventions and self.prices[name] != PRICES[name]:
                dearer = PRICES[name][0]  # changed back
            else:
                dearer = f"{float(PRICES[name][0]) * self.chance.uniform(0.8, 1.2):.4f}"
            self.prices[name] = dearer, self.prices[name][1]
            self.repriced.append((asyncio.get_running_loop().time(), name))
            for process in self.processes:
                process.book.overrides = {each: flat_price(*price) for each, price in self.prices.items()}
