"""The rows of GET /providers."""

from datetime import datetime
from pathlib import Path

import pytest

from engine.catalog.offers import Offer
from engine.errors import Overloaded
from engine.routing.health import Permit
from main.container import open_container
from main.settings import Settings, read
from web.provider_rows import any_configured, provider_rows

FREE = '[free."gemini/gemini-2.5-flash-lite"]\nrequests_per_minute = 15\nrequests_per_day = 1000\n'
PRICE = '[prices."deepseek/deepseek-v4-flash"]\ninput = "0.14"\ncached_input = "0.0028"\noutput = "0.28"\n'


def settings_of(folder: Path, toml: str = "", **variables: str) -> Settings:
    (folder / "farthing.toml").write_text(toml)
    paths = {"FARTHING_CONFIG": str(folder / "farthing.toml"), "DATABASE_URL": f"sqlite:///{folder}/farthing.db"}
    return read({**paths, **variables}, folder / "no.env")


async def test_tenants_see_the_state_of_every_provider(tmp_path: Path) -> None:
    async with open_container(settings_of(tmp_path, GEMINI_API_KEY="k-secret")) as container:
        rows = {row["name"]: row for row in provider_rows(container.market, admin=False)}
    assert set(rows) == set(container.market.providers)
    assert set(rows["gemini"]) == {"name", "configured", "state", "status", "since", "p50_first_token_ms", "offers"}
    assert (rows["gemini"]["configured"], rows["gemini"]["state"]) == (True, "closed")
    assert not rows["openai"]["configured"]
    assert "k-secret" not in str(rows)


async def test_operators_see_prices_limits_and_free_tiers(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, FREE + PRICE, GEMINI_API_KEY="k", DEEPSEEK_API_KEY="k")
    async with open_container(settings) as container:
        container.market.health.drain("deepseek")
        free, now = container.market.catalog.free, container.clock.now()
        free.begin(Offer.named("gemini/gemini-2.5-flash-lite"), now, 7)
        rows = {row["name"]: row for row in provider_rows(container.market, admin=True)}
    assert rows["deepseek"]["state"] == "drained"
    assert rows["deepseek"]["free"] == []
    price = next(each for each in rows["deepseek"]["prices"] if each["model"] == "deepseek-v4-flash")
    assert (price["input_usd_per_mtok"], price["output_usd_per_mtok"]) == ("0.14", "0.28")
    assert price["cached_input_usd_per_mtok"] == "0.0028"
    assert rows["gemini"]["free"] == [
        {"model": "gemini-2.5-flash-lite", "left_this_minute": 15, "left_today": 993},
    ]


async def test_status_and_offers_say_where_prompts_are_answered(tmp_path: Path) -> None:
    async with open_container(settings_of(tmp_path, PRICE, DEEPSEEK_API_KEY="k", GEMINI_API_KEY="k")) as container:
        health, offer = container.market.health, Offer.named("deepseek/deepseek-v4-flash")
        before = container.clock.now()
        for _ in range(5):
            permit = health.admit(offer)
            assert isinstance(permit, Permit)
            health.failed(permit, Overloaded("busy"))
        health.drain("gemini")
        rows = {row["name"]: row for row in provider_rows(container.market, admin=False)}
    offers = {each["model"]: each for each in rows["deepseek"]["offers"]}
    resting = offers.pop("deepseek-v4-flash")
    assert (resting["state"], resting["status"]) == ("open", "resting")
    assert 4 < (datetime.fromisoformat(resting["until"]) - before).total_seconds() < 60
    assert all((each["status"], each["until"]) == ("answering", None) for each in offers.values())
    assert (rows["deepseek"]["state"], rows["deepseek"]["status"]) == ("open", "resting")
    assert (rows["gemini"]["status"], rows["openai"]["status"]) == ("drained", "no_key")
    assert {each["status"] for each in rows["openai"]["offers"]} == {"no_key"}


@pytest.mark.parametrize(("variables", "expected"), [({}, False), ({"OPENAI_API_KEY": "k"}, True)])
async def test_one_key_is_enough_to_be_configured(tmp_path: Path, variables: dict[str, str], *, expected: bool) -> None:
    async with open_container(settings_of(tmp_path, **variables)) as container:
        assert any_configured(container.market) is expected
