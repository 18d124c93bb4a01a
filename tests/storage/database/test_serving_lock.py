"""One serving process for each SQLite file, whatever its path; a killed one leaves no lock."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.database import serving_lock as module
from storage.database.serving_lock import AlreadyServed, UnusableFile, serving_lock

HOLDER = """
import asyncio, pathlib, sys
from storage.database.serving_lock import serving_lock
async def main():
    async with serving_lock(pathlib.Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)


async def test_second_process_is_refused_with_a_sentence_and_may_start_after_the_first(tmp_path: Path) -> None:
    path = tmp_path / "farthing.db"
    async with serving_lock(path):
        with pytest.raises(AlreadyServed, match=rf"served by process {os.getpid()} already.*PostgreSQL"):
            async with serving_lock(path):
                pass
    async with serving_lock(path):
        pass


async def test_two_names_of_one_file_have_one_lock(tmp_path: Path) -> None:
    path, link = tmp_path / "farthing.db", tmp_path / "link.db"
    path.touch()
    link.symlink_to(path)
    async with serving_lock(path):
        with pytest.raises(AlreadyServed):
            async with serving_lock(link):
                pass


async def test_kill_releases_the_lock_at_once(tmp_path: Path) -> None:
    path = tmp_path / "farthing.db"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE)  # noqa: ASYNC220
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(AlreadyServed, match=f"process {holder.pid}"):
        async with serving_lock(path):
            pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    async with serving_lock(path):
        pass
    assert (tmp_path / "farthing.db.serving").stat().st_mode & 0o777 == 0o600


async def test_folder_that_can_not_be_written_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnusableFile, match=r"can't be written by user \d+: .+\. Give that user .+/file "):
        async with serving_lock(tmp_path / "file" / "farthing.db"):
            pass


async def test_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="it is a folder"):
        async with serving_lock(tmp_path):
            pass
