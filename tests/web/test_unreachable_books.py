"""A database that is away for a moment is told in the shape that clients read."""

import sqlite3
from typing import Any

import pytest

from storage.tenants import api_keys
from tests.web.conftest import ASKED, Face


async def test_a_caller_that_can_not_be_looked_up_is_told_in_openais_shape(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: Any) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(api_keys, "authenticate", locked)
    async with face.http() as http:
        answer = await http.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED})
    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "server_error"
    assert "locked" not in answer.text
