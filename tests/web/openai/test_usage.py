"""GET /v1/usage: a tenant's own usage."""

from datetime import date
from typing import Any

import pytest

from engine.money import ZERO, Money
from storage.reports.usage import UsageRow
from tests.web.conftest import ASKED, RunningApi
from web.openai.usage import by_model


async def got(api: RunningApi, key: str | None = None, **query: str) -> Any:
    async with api.http(key) as http:
        answer = await http.get("/v1/usage", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_usage_is_that_of_the_keys_tenant(api: RunningApi) -> None:
    other = await api.make_key()
    async with api.http() as http:
        for _ in range(2):
            answer = (await http.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED})).json()
    await api.idle()
    (row,) = await got(api)
    assert set(row) == {
        "day", "model", "prompts", "input_tokens", "output_tokens", "allowance_tokens", "charge_usd",
    }  # fmt: skip
    assert (row["model"], row["prompts"], row["charge_usd"]) == ("deepseek-v4-flash", 2, "0.00")
    assert row["input_tokens"] == 2 * answer["usage"]["prompt_tokens"]
    assert row["allowance_tokens"] == row["input_tokens"] + row["output_tokens"]
    assert await got(api, **{"from": row["day"], "to": row["day"]}) == [row]
    assert await got(api, **{"from": "2020-01-01", "to": "2020-01-31"}) == []
    assert await got(api, other) == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"from": "1764460800"}, "from"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "from"),
    ],
)
async def test_wrong_date_names_its_parameter(api: RunningApi, query: dict[str, str], param: str) -> None:
    async with api.http() as http:
        answer = await http.get("/v1/usage", params=query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def row(day: int, model: str, provider: str, prompts: int, charge: str = "0") -> UsageRow:
    tokens = 10 * prompts
    return UsageRow(
        date(2026, 11, day), model, provider, prompts, tokens, tokens, tokens, Money.usd(charge), ZERO, ZERO, ZERO
    )


def test_providers_of_one_model_are_added_and_waste_alone_is_no_row() -> None:
    rows = [row(2, "m", "a", 1, "0.1"), row(1, "m", "a", 2), row(2, "m", "b", 3, "0.25"), row(2, "x", "a", 0)]
    found = [(each["day"], each["model"], each["prompts"], each["charge_usd"]) for each in by_model(rows)]
    assert found == [("2026-11-01", "m", 2, "0.00"), ("2026-11-02", "m", 4, "0.35")]
