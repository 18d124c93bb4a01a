"""Settings of a healthy service: the sandbox's Telegram and providers, a folder of its own."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from main.sandbox import stand_in_providers
from main.settings import Settings, read
from sandbox.app import Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(providers=stand_in_providers()) as running:
        yield running


@pytest.fixture
def variables(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {
        "TELEGRAM_BOT_TOKEN": sandbox.token,
        "TELEGRAM_API_URL": sandbox.telegram_url,
        "ADMIN_IDS": str(sandbox.admin_id),
        "DATABASE_URL": f"sqlite:///{tmp_path}/farthing.db",
        "DEEPSEEK_API_KEY": "sk-good",
        "DEEPSEEK_BASE_URL": sandbox.provider_urls["deepseek"],
    }


@pytest.fixture
def settings(variables: dict[str, str]) -> Callable[..., Settings]:
    """Return the settings with changes; an empty value removes a variable."""
    return lambda **changes: read({**variables, **changes})
