"""The operator's pages of the Mini App."""

import json

from storage.alerts import incidents
from storage.database.connection import Connection
from tests.web.miniapp.conftest import ANN, OLGA, Mini


async def test_every_call_for_operators_is_hidden_from_others(mini: Mini) -> None:
    async with mini.http(ANN) as ann:
        paths = (await ann.get("/openapi.json")).json()["paths"]
        calls = [
            (method, path)
            for path, methods in paths.items()
            for method, call in methods.items()
            if path.startswith("/app/") and call["summary"].startswith("For operators")
        ]
        assert {path.split("/")[2] for _, path in calls} == {"house", "incidents", "providers", "tenants"}
        for method, path in calls:
            filled = (
                path.replace("{name}", "deepseek").replace("{tenant_id}", str(mini.bao)).replace("{incident_id}", "1")
            )
            body = {"amount": "5"} if filled.endswith("/credits") else None
            answer = await ann.request(method, filled, json=body, headers={"idempotency-key": "k"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), path
    assert await mini.rows("SELECT * FROM operator_actions") == []
    assert mini.container.market.health.state("deepseek").state.value == "closed"


async def test_operator_pages_are_hidden_from_others(mini: Mini) -> None:
    await mini.answered(mini.ann, "a", 0)

    def unit(conn: Connection) -> None:
        now = mini.container.clock.now()
        closed = incidents.begin(conn, "provider_down", "gemini", {}, now)
        assert closed
        incidents.close(conn, closed, now)
        incidents.begin(conn, "key_refused", "deepseek", {}, now)

    await mini.container.db.write(unit)
    async with mini.http(OLGA) as olga, mini.http(ANN) as ann:
        seen = (await olga.get("/app/house")).json()
        assert (await olga.get("/app/account")).json()["is_operator"]
        hidden, nothing = await ann.get("/app/house"), await ann.get("/app/nothing")
    assert (hidden.status_code, nothing.status_code) == (404, 404)
    assert hidden.text.replace("/app/house", "/app/nothing") == nothing.text
    deepseek = next(row for row in seen["providers"] if row["name"] == "deepseek")
    assert deepseek["configured"]
    assert deepseek["prices"]
    assert "k-deepseek" not in json.dumps(seen)
    assert [row["provider"] for row in seen["margin"]["data"]] == ["deepseek"]
    assert seen["margin"]["totals"]["cost_usd"] == seen["margin"]["data"][0]["cost_usd"]
    assert [(each["subject"], bool(each["closed_at"])) for each in seen["incidents"]] == [
        ("deepseek", False),
        ("gemini", True),
    ]
