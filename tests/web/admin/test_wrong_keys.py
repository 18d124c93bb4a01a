"""The limit on requests with a wrong admin key."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.web.conftest import ADMIN_KEY, RunningApi
from web.admin.wrong_keys import MOST_WRONG_KEYS, QUIET_SECONDS, WrongAdminKeys
from web.errors import OPERATORS_ONLY

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOW


async def test_ten_wrong_admin_keys_are_an_alert_and_then_a_429(api: RunningApi) -> None:
    paths = ("/admin/tenants", "/metrics", "/providers")
    for number in range(10):
        async with api.http(f"wrong-admin-key-{number}") as http:
            assert (await http.get(paths[number % 3])).status_code == 401
    async with api.http("wrong-admin-key") as wrong, api.http(ADMIN_KEY) as right, api.http() as tenant:
        for path in paths:
            answer = await wrong.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
            assert 50 < int(answer.headers["retry-after"]) <= 60
            assert (await right.get(path)).status_code == 200
        assert (await tenant.get("/providers")).status_code == 200


async def test_api_key_is_no_guess_at_the_admin_key(api: RunningApi) -> None:
    async with api.http() as tenant, api.http("wrong-admin-key") as wrong:
        for _ in range(MOST_WRONG_KEYS + 1):
            assert (await tenant.get("/admin/tenants")).status_code == 401
        assert (await wrong.get("/admin/tenants")).status_code == 401


@pytest.mark.parametrize("key", ["fk-mistyped", "sk-proj-of-another-service"])
async def test_wrong_api_key_where_clients_may_call_is_no_guess_either(api: RunningApi, key: str) -> None:
    async with api.http(key) as mistyped:
        for _ in range(MOST_WRONG_KEYS + 1):
            assert (await mistyped.get("/providers")).status_code == 401
        for _ in range(MOST_WRONG_KEYS):
            assert (await mistyped.get("/admin/tenants")).status_code == 401
        assert (await mistyped.get("/admin/tenants")).status_code == 429


async def statuses(wrong: WrongAdminKeys, clock: Clock, seconds: float, count: int) -> list[int]:
    """Send the same wrong key `count` times to one path, every `seconds`; return the statuses."""
    found = []
    for _ in range(count):
        found.append(wrong.refusal(OPERATORS_ONLY, "old-key", "/metrics").status)
        clock.seconds += seconds
        await asyncio.sleep(0)
    return found


async def test_admins_get_one_alert_until_it_has_been_quiet() -> None:
    clock, alerts = Clock(), list[int]()

    async def alert(number: int) -> None:
        alerts.append(number)

    wrong = WrongAdminKeys(clock, alert)
    assert await statuses(wrong, clock, 5.9, 9) == [401] * 9
    assert alerts == []
    assert await statuses(wrong, clock, 5.9, 30) == [401] + [429] * 29
    assert alerts == [10]
    clock.seconds += QUIET_SECONDS
    assert await statuses(wrong, clock, 1, 11) == [401] * 10 + [429]
    assert alerts == [10, 10]


async def test_wrong_keys_now_and_then_are_no_attack() -> None:
    clock = Clock()
    assert await statuses(WrongAdminKeys(clock), clock, 6.1, 30) == [401] * 30


async def test_old_key_is_called_wrong_by_every_path() -> None:
    clock, alerts = Clock(), list[int]()

    async def alert(number: int) -> None:
        alerts.append(number)

    wrong = WrongAdminKeys(clock, alert)
    paths = [f"/admin/tenants/{number}" for number in range(30)]
    assert {wrong.refusal(OPERATORS_ONLY, "old-key", path).status for path in paths} == {401}
    await asyncio.sleep(0)
    assert alerts == []


async def test_after_ten_keys_no_wrong_one_is_told_more() -> None:
    wrong = WrongAdminKeys(Clock())
    found = [wrong.refusal(OPERATORS_ONLY, f"key-{number}", "/metrics").status for number in range(12)]
    assert found == [401] * 10 + [429] * 2
    assert wrong.refusal(OPERATORS_ONLY, "key-11", "/admin/audit").status == 429
    assert wrong.refusal(OPERATORS_ONLY, "key-3", "/admin/audit").status == 429


@pytest.mark.parametrize(("keys", "paths"), [(1, 1), (1, 2), (1, 5), (2, 1), (3, 1), (10, 1), (10, 3), (10, 10)])
async def test_eleventh_wrong_request_is_a_429(keys: int, paths: int) -> None:
    wrong = WrongAdminKeys(Clock())
    sent = [(f"key-{number % keys}", f"/admin/{number % paths}") for number in range(12)]
    assert [wrong.refusal(OPERATORS_ONLY, *each).status for each in sent] == [401] * 10 + [429] * 2
