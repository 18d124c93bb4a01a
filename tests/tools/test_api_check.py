"""The check of /openapi.json by schemathesis, which a small program replaces here."""

from pathlib import Path

import pytest

from tests.web.conftest import ADMIN_KEY
from tools import api_check


@pytest.mark.parametrize(("refused", "code"), [("no key at all", 0), (ADMIN_KEY, 1), ("fk-", 1)])
async def test_check_fails_where_either_key_finds_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str, code: int
) -> None:
    program, calls = tmp_path / "schemathesis", tmp_path / "calls"
    program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\ncase "$*" in *"Bearer {refused}"*) exit 1;; esac\n')
    program.chmod(0o755)
    monkeypatch.setattr(api_check, "PROGRAM", program)
    assert await api_check.check("7", "--exitfirst") == code
    by_tenant, by_operator = calls.read_text().splitlines()
    assert "Bearer fk-" in by_tenant
    assert f"Bearer {ADMIN_KEY}" in by_operator
    for arguments in (by_tenant, by_operator):
        assert arguments.startswith("run http://127.0.0.1:")
        assert "--max-examples 7 --seed 1" in arguments
        assert arguments.endswith("--exitfirst")
