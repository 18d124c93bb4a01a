from dataclasses import replace
from pathlib import Path

import pytest

from scheduler.context import JobContext
from scheduler.jobs import backup
from tests.scheduler.conftest import HandClock, Notifications


async def test_one_backup_is_made_a_night(
    context: JobContext, clock: HandClock, notifier: Notifications, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    context = replace(context, backup_folder=folder)
    for _ in range(3):
        await backup.run(context)
    clock.move(days=1)
    await backup.run(context)
    assert notifier.texts == []
    kind = "*.db" if context.db.dialect == "sqlite" else "*.dump"
    assert len(list(folder.glob(kind))) == 2


async def test_failed_backup_is_reported(context: JobContext, notifier: Notifications, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("this is not a folder")
    await backup.run(replace(context, backup_folder=tmp_path / "file"))
    assert len(notifier.texts) == 1


async def test_machine_without_pg_dump_saves_nothing_and_alerts_nobody(
    context: JobContext, notifier: Notifications, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    await backup.run(replace(context, backup_folder=tmp_path / "backups"))
    assert notifier.texts == []
    assert (tmp_path / "backups").exists() == (context.db.dialect == "sqlite")


async def test_without_a_folder_no_backup_is_made(context: JobContext, notifier: Notifications) -> None:
    await backup.run(context)
    assert notifier.texts == []
