"""A group with the whole program: conversation, wallet, and the move to a new chat id."""

from typing import Any

import pytest

from engine.money import Money
from sandbox.telegram.world import Chat
from storage.groups import wallets
from storage.ledger import transfers
from storage.tenants import tenants
from tests.journeys.conftest import ANN, BAO, GROUP_ID, OLGA, Journey

NEW_ID = -1007


async def wallet_of(journey: Journey, user: int) -> Money:
    state = await journey.container.db.read(lambda conn: tenants.by_telegram(conn, user))
    assert state is not None
    return state.wallet


async def charged_tokens(journey: Journey) -> int:
    """Return the tokens of the last kept answer."""
    (found,) = await journey.rows("SELECT * FROM attempts WHERE kept ORDER BY id DESC LIMIT 1")
    return int(found["input_tokens"] + found["output_tokens"])


async def filled(journey: Journey, usd: str = "5") -> None:
    """Let Olga, the group's admin, fill its wallet in her private chat."""
    await journey.ask("/start", OLGA)
    state = await journey.container.db.read(lambda conn: tenants.by_telegram(conn, OLGA))
    assert state is not None
    now = journey.container.clock.now()
    await journey.container.db.write(
        lambda conn: transfers.credit(conn, state.id, Money.usd("9"), ref="gift", reason="a gift", now=now)
    )
    await journey.ask(f"/start group_{GROUP_ID}", OLGA)
    await journey.press(f"Put in ${usd}.00", OLGA)
    await journey.idle()
    await journey.press("Yes, move it", OLGA)
    await journey.idle()


@pytest.mark.usefixtures("no_pauses")
async def test_asker_pays_for_little_of_another_persons_talk(journey: Journey) -> None:
    for number in range(6):
        await journey.ask(f"/ask {'a long story of the sea and its tides ' * 90} {number}", BAO, GROUP_ID)
        await journey.idle()
    await journey.ask("/ask How tall is Everest?", ANN, GROUP_ID)
    await journey.idle()
    assert await charged_tokens(journey) < 1600
    await journey.check_books()


async def test_groups_wallet_pays_for_its_members_until_their_cap(journey: Journey) -> None:
    await filled(journey)
    assert await wallet_of(journey, OLGA) == Money.usd("4")
    await journey.ask("/ask How tall is Everest?", ANN, GROUP_ID)
    await journey.idle()
    group = await journey.container.db.read(lambda conn: wallets.find(conn, GROUP_ID))
    assert group is not None
    assert group.free < Money.usd("5")
    (share,) = await journey.rows("SELECT * FROM member_shares")
    assert Money.usd("5") - Money(share["charge_nanousd"]) == group.free
    used = await journey.rows("SELECT allowance_used_tokens AS n FROM accounts ORDER BY tenant_id")
    assert sum(found["n"] for found in used) == 0

    await journey.container.db.write(lambda conn: wallets.set_day_cap(conn, GROUP_ID, Money(1)))
    await journey.ask("/ask How deep is the sea?", ANN, GROUP_ID)
    await journey.idle()
    assert (await journey.rows("SELECT answers FROM member_shares"))[0]["answers"] == 1
    used = await journey.rows("SELECT allowance_used_tokens AS n FROM accounts ORDER BY tenant_id")
    assert sum(found["n"] for found in used) > 0
    await journey.check_books()


async def test_memory_and_wallet_move_along_when_the_group_is_upgraded(journey: Journey) -> None:
    await filled(journey)
    await journey.ask("/ask My dog is called Rex", ANN, GROUP_ID)
    await journey.idle()
    world = journey.sandbox.world
    world.chats[NEW_ID] = Chat(NEW_ID, "supergroup", "Tea room", tuple(world.users), (OLGA,))
    for chat, field, other in ((GROUP_ID, "migrate_to_chat_id", NEW_ID), (NEW_ID, "migrate_from_chat_id", GROUP_ID)):
        message: dict[str, Any] = world.post(chat, world.users[OLGA], {field: other})
        world.updates.push("message", dict(message))
    await journey.idle()
    await journey.ask("/ask What is my dog called?", ANN, NEW_ID)
    await journey.idle()
    rows = await journey.rows(
        "SELECT m.parts FROM messages m JOIN conversations c ON c.id = m.conversation_id"
        " WHERE c.chat_id = :new AND m.role = 'user' ORDER BY m.id",
        new=NEW_ID,
    )
    assert ["Rex" in found["parts"] for found in rows] == [True, False]
    (share,) = await journey.rows("SELECT answers FROM member_shares")
    assert share["answers"] == 2
    assert await journey.rows("SELECT * FROM conversations WHERE chat_id = :old", old=GROUP_ID) == []
    await journey.check_books()
