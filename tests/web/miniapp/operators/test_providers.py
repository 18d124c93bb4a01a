"""Providers and incidents on the operators' pages."""

import httpx
import pytest

from storage.alerts import incidents
from tests.web.miniapp.conftest import OLGA, Mini
from tests.web.miniapp.payments.conftest import shop

__all__ = ["shop"]


async def words(http: httpx.AsyncClient, name: str = "deepseek") -> str:
    found = {each["name"]: each["words"] for each in (await http.get("/app/house")).json()["words"]}
    return str(found[name])


async def test_provider_is_drained_and_resumed(mini: Mini) -> None:
    async with mini.http(OLGA) as http:
        assert await words(http) == "answering"
        done = await http.post("/app/providers/deepseek/drain")
        assert "gets no prompts until you resume it" in done.json()["text"]
        assert await words(http) == "drained by Olga"
        assert mini.container.market.health.state("deepseek").state.value == "drained"
        await http.post("/app/providers/deepseek/resume")
        assert await words(http) == "answering"
        for name in ("openai", "nothing", "..%2F"):
            assert (await http.post(f"/app/providers/{name}/drain")).status_code == 404
    rows = await mini.rows("SELECT by_name, action, detail FROM operator_actions ORDER BY id")
    log = [tuple(each.values()) for each in rows]
    assert log == [("Olga", "drain", "deepseek"), ("Olga", "resume", "deepseek")]


async def test_probe_says_whether_it_answers(mini: Mini) -> None:
    async with mini.http(OLGA) as http:
        done = await http.post("/app/providers/deepseek/probe")
        assert done.json()["text"].startswith("deepseek fails: ")
    assert [each["request_id"][:6] for each in await mini.rows("SELECT * FROM attempts")] == ["probe:"]


async def test_prices_are_written_for_a_million_tokens(mini: Mini) -> None:
    async with mini.http(OLGA) as http:
        found = {each["name"]: each["prices"] for each in (await http.get("/app/house")).json()["words"]}
    flash = next(each for each in found["deepseek"] if each["model"] == "deepseek-v4-flash")
    assert (flash["input"], flash["output"]) == ("$0.14", "$0.28")


@pytest.mark.parametrize(("action", "field"), [("acknowledge", "acknowledged"), ("mute", "muted_until")])
async def test_incident_is_acknowledged_and_muted(mini: Mini, action: str, field: str) -> None:
    now = mini.container.clock.now()
    await mini.container.db.write(lambda conn: incidents.begin(conn, "provider_down", "deepseek", {}, now))
    async with mini.http(OLGA) as http:
        (before,) = (await http.get("/app/house")).json()["incidents"]
        assert not before[field]
        assert (await http.post(f"/app/incidents/{before['id']}/{action}")).json()["text"]
        (after,) = (await http.get("/app/house")).json()["incidents"]
        assert after[field]
        for number in ("999", "x"):
            assert (await http.post(f"/app/incidents/{number}/{action}")).status_code == 404
