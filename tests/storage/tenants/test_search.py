"""Tenants found by the terms that operators use."""

from functools import partial

import pytest

from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import tenants
from storage.tenants.search import search
from tests.storage.books import FREE, NOW

PEOPLE = [
    ("Ann Lee", "annlee", 1001),
    ("ann", "", 1002),
    ("Đặng Thị Ánh", "anh_d", 1003),
    ("100%", "", 1004),
    ("", "quiet", 5),
]


@pytest.fixture
async def people(db: Database) -> Database:
    def unit(conn: Connection) -> None:
        for name, username, user in PEOPLE:
            tenants.create(conn, name, FREE, now=NOW, telegram_user_id=user, username=username)

    await db.write(unit)
    return db


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("1", [1]),
        ("1003", [3]),
        ("5", [5]),
        ("77", []),
        ("@AnnLee", [1]),
        ("annlee", [1]),
        ("@ann", []),
        ("ANN", [2]),
        ("Lee", [1]),
        ("đặng", [3]),
        ("ÁNH", [3]),
        ("A\u0301nh", [3]),
        ("0%", [4]),
        ("%", [4]),
        ("_", [3]),
        ("n", [3, 2, 1]),
        ("nobody", []),
        ("", []),
        ("  @ ", []),
    ],
)
async def test_ids_usernames_and_names(people: Database, text: str, ids: list[int]) -> None:
    found = await people.read(partial(search, text=text))
    assert [state.id for state in found] == ids


async def test_list_is_limited(people: Database) -> None:
    assert [state.id for state in await people.read(partial(search, text="n", limit=2))] == [3, 2]
