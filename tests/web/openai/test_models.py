"""GET /v1/models, for clients of both families."""

from pathlib import Path

import pytest

from sandbox.app import Sandbox
from tests.web.conftest import CONFIG, RunningApi, serving


async def test_models_of_the_service_are_listed(api: RunningApi) -> None:
    async with api.http() as http:
        found = (await http.get("/v1/models")).json()
    assert found["object"] == "list"
    by_id = {each["id"]: each for each in found["data"]}
    assert {"auto", "smart", "seen"} <= set(by_id)
    assert by_id["auto"]["owned_by"] == "farthing"
    assert by_id["deepseek/deepseek-v4-flash"]["owned_by"] == "deepseek"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("auto", 200),
        ("deepseek/deepseek-v4-flash", 200),
        ("gpt-4o", 200),
        ("nobody/sells-this", 404),
        ("a//b", 404),
        ("gpt-4o-search-preview", 404),
    ],
)
async def test_one_model_is_found_by_its_name(api: RunningApi, name: str, status: int) -> None:
    async with api.http() as http:
        answer = await http.get(f"/v1/models/{name}")
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["id"] == name
    else:
        assert answer.json()["error"]["code"] == "model_not_found"


async def test_models_outside_the_plan_are_hidden(tmp_path: Path, sandbox: Sandbox) -> None:
    config = CONFIG + 'models = ["auto"]\n'
    async with serving(tmp_path, sandbox, config) as api, api.http() as http:
        assert [each["id"] for each in (await http.get("/v1/models")).json()["data"]] == ["auto"]
        assert (await http.get("/v1/models/smart")).status_code == 404


CLAUDE = {"anthropic-version": "2023-06-01"}


async def test_client_of_anthropic_gets_the_list_in_its_shape(api: RunningApi) -> None:
    async with api.http() as http:
        names = [each["id"] for each in (await http.get("/v1/models")).json()["data"]]
        found = (await http.get("/v1/models", headers=CLAUDE, params={"limit": 1000})).json()
    assert [each["id"] for each in found["data"]] == names
    assert set(found) == {"data", "has_more", "first_id", "last_id"}
    assert (found["has_more"], found["first_id"], found["last_id"]) == (False, names[0], names[-1])
    assert found["data"][0] == {
        "type": "model",
        "id": names[0],
        "display_name": names[0],
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        **dict.fromkeys(("deprecated_at", "retires_at", "line", "max_input_tokens", "max_tokens", "capabilities")),
    }


async def test_one_model_has_the_shape_of_the_client(api: RunningApi) -> None:
    async with api.http() as http:
        found = (await http.get("/v1/models/deepseek/deepseek-v4-flash", headers=CLAUDE)).json()
        missing = await http.get("/v1/models/no-such-model", headers=CLAUDE)
    assert (found["type"], found["id"]) == ("model", "deepseek/deepseek-v4-flash")
    assert missing.status_code == 404
    assert missing.json()["error"]["type"] == "not_found_error"


@pytest.mark.parametrize(
    ("params", "status"), [({"limit": 0}, 400), ({"limit": 1001}, 400), ({"after_id": "no-such-model"}, 404)]
)
async def test_wrong_page_is_refused_in_the_shape_of_anthropic(
    api: RunningApi, params: dict[str, int | str], status: int
) -> None:
    async with api.http() as http:
        answer = await http.get("/v1/models", headers=CLAUDE, params=params)
    assert answer.status_code == status
    assert answer.json()["type"] == "error"
