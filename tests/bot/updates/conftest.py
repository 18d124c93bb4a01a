"""Fixtures of the tests of the intake."""

import pytest

from bot.updates import merging
from tests.bot.updates.intakes import Handled


@pytest.fixture
def handled() -> Handled:
    return Handled()


@pytest.fixture
def short_join(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "JOIN_SECONDS", 0.01)
