"""GET /v1/models."""

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
