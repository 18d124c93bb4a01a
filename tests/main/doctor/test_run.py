"""The command `doctor`."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from main.doctor.run import run_doctor
from main.settings import Settings
from storage.migrations import upgrade

Make = Callable[..., Settings]


async def test_healthy_service_has_no_fault(settings: Make, capsys: pytest.CaptureFixture[str]) -> None:
    made = settings()
    upgrade(made.env.database_url)
    assert await run_doctor(made) == 0
    assert ": 0 faults, " in capsys.readouterr().out


async def test_fault_is_exit_code_1_and_no_secret_is_shown(
    settings: Make, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = "postgresql://farthing:very-secret@127.0.0.1:1/books"
    assert await run_doctor(settings(DATABASE_URL=url, DEEPSEEK_API_KEY="sk-secret-key")) == 1
    shown = capsys.readouterr().out
    assert "FAULT  DATABASE_URL" in shown
    assert "very-secret" not in shown
    assert "sk-secret-key" not in shown
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))  # the command changes nothing
