"""A lost hold: the question is answered again if the hold expired; otherwise the answer exists."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.context import Context
from bot.questions.lost_holds import MOST_EPOCHS, after_lost_hold
from engine.errors import HoldLost
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import expiry, holds
from tests.storage.books import NOW, hold_request, take, tenant


@dataclass
class Recorded:
    """The calls that a lost hold leads to, and the parts of a context that it uses."""

    db: Database
    calls: list[str] = field(default_factory=list)
    request_id: str = "r1"

    @property
    def services(self) -> "Recorded":
        return self

    @property
    def courier(self) -> "Recorded":
        return self

    async def send(self, request_id: str) -> None:
        self.calls.append(f"send {request_id}")

    async def hand_back(self) -> None:
        self.calls.append("hand back")


@pytest.mark.parametrize(("is_dead", "call"), [(True, "hand back"), (False, "send r1")])
async def test_question_is_answered_again_where_the_hold_expired(db: Database, *, is_dead: bool, call: str) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"), "r1")
        take(conn, asked)
        expiry.expire_holds(conn, NOW, lambda _: is_dead)
        holds.void(conn, asked.hold_id, NOW)

    await db.write(unit)
    context = Recorded(db)
    assert await after_lost_hold(cast("Context", cast("Any", context)), HoldLost("r1:1"))
    assert context.calls == [call]


@pytest.mark.parametrize(("epoch", "was_stopped"), [(1, True), (MOST_EPOCHS, False)])
async def test_question_that_was_stopped_or_begun_too_often_is_not_answered_again(
    db: Database, epoch: int, *, was_stopped: bool
) -> None:
    def unit(conn: Connection) -> HoldLost:
        asked = hold_request(tenant(conn, "1"), "r1", epoch=epoch)
        take(conn, asked)
        expiry.expire_holds(conn, NOW, lambda _: True)
        return HoldLost(asked.hold_id)

    error, context = await db.write(unit), Recorded(db)
    error.was_stopped = was_stopped
    assert not await after_lost_hold(cast("Context", cast("Any", context)), error)
    assert context.calls == []


async def test_lost_hold_without_an_epoch_is_an_answer_that_exists(db: Database) -> None:
    context = Recorded(db)
    await after_lost_hold(cast("Context", cast("Any", context)), HoldLost("tg:7:99"))
    assert context.calls == ["send r1"]
