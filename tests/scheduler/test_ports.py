"""The notifier of a process without a bot."""

import pytest

from locales.button import Button
from scheduler.ports import LoggingNotifier
from storage.alerts.admin_notices import Undelivered


async def test_messages_are_written_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    notifier, button = LoggingNotifier(), Button("button.keys", "keys", "open")
    assert await notifier.notify(7, "alert.key", {"percent": 80}, (button,)) is None
    assert await notifier.notify(8, "alert.key", {}) is None
    (admin,) = notifier.admins
    assert await notifier.deliver(admin, "alert.backup", {"error": "full"}) is Undelivered.REFUSED
    assert await notifier.edit((1, 2), "alert.provider_down", {})
    lines = [record.getMessage() for record in caplog.records]
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "WARNING"]
    assert "7: alert.key {'percent': 80} (buttons)" in lines[0]
    assert lines[1].endswith("8: alert.key {}")
    assert "alert.backup {'error': 'full'}" in lines[2]
