"""Files read in child processes: within limits, and one user after another."""

import asyncio
import sys
import time

import pytest

from documents.reading import child, reader
from documents.reading.file_content import Flaw, UnreadableFileError
from documents.reading.reader import FileReader
from tests.documents.reading import files
from tests.processor_time import unit_seconds

ANN, BAO = 1, 2
LONGEST_BLOCK = 60.0  # units of processor time


async def test_child_reads_with_its_limits_and_the_loop_goes_on() -> None:
    """Reading works within the memory limit, and the event loop continues meanwhile."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.thread_time()  # the CPU of the loop's thread, so that a busy machine does not matter
            await asyncio.sleep(0.005)
            longest = max(longest, time.thread_time() - began)

    watching, made = asyncio.create_task(watch()), FileReader(most_seconds=200)
    found = await asyncio.gather(
        made.read(files.pdf("A page of some words"), ANN, "en"),
        made.read(files.scan(1), BAO, "en"),
        made.read(files.word("Größe"), ANN, "en"),
        made.read(files.excel({"s": [["v"]]}), BAO, "en"),
        made.read(files.picture("HEIF", (4032, 3024)), ANN, "en"),
    )
    watching.cancel()
    assert [each.text for each in found] == ["[page 1]\nA page of some words", "", "Größe", "[sheet s]\nv", ""]
    assert [len(each.pictures) for each in found] == [0, 1, 0, 0, 1]
    assert longest / unit_seconds() < LONGEST_BLOCK
    assert not made._users
    assert not made._waiting


async def test_plain_text_needs_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(reader, "_read_in_child", fail)
    assert (await FileReader().read("añb".encode(), ANN, "en")).text == "añb"


@pytest.mark.parametrize(
    ("data", "flaw"), [(files.pdf("secret", password="k"), Flaw.LOCKED), (files.archive({"a": "b"}), Flaw.KIND)]
)
async def test_flaw_of_the_child_is_raised(data: bytes, flaw: Flaw) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        await FileReader().read(data, ANN, "en")
    assert caught.value.flaw is flaw


async def test_slow_file_is_given_up_and_its_process_ended() -> None:
    made = FileReader(most_seconds=0.01)
    with pytest.raises(UnreadableFileError) as caught:
        await made.read(files.pdf("x"), ANN, "en")
    assert caught.value.flaw is Flaw.SLOW


async def test_file_that_ends_its_child_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(UnreadableFileError) as caught:
        await FileReader().read(files.pdf("x"), ANN, "en")
    assert caught.value.flaw is Flaw.BROKEN


async def test_user_with_many_files_leaves_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[int] = []
    free = asyncio.Event()

    async def slow(data: bytes, _: str) -> object:
        began.append(len(data))
        await free.wait()
        return child.read(data, "en")

    monkeypatch.setattr(reader, "_read_in_child", slow)
    made = FileReader()
    mine = [asyncio.create_task(made.read(b"\xff" + b"x" * 5, ANN, "en")) for _ in range(3)]
    await asyncio.sleep(0)
    other = asyncio.create_task(made.read(b"\xff" + b"x" * 6, BAO, "en"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert began == [6, 7]
    free.set()
    await asyncio.gather(*mine, other)
    assert sorted(began) == [6, 6, 6, 7]
