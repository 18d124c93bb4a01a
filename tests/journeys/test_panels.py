"""Journeys of lists with buttons, which are updated in place."""

from tests.journeys.conftest import ANN, OLGA, Journey


def lists(journey: Journey, user: int, head: str) -> list[str]:
    return [m["text"] for m in journey.sandbox.world.messages(user) if m.get("text", "").startswith(head)]


async def test_drained_provider_is_shown_in_the_same_message(journey: Journey) -> None:
    await journey.ask("/providers", OLGA)
    await journey.press("Drain gemini", OLGA)
    await journey.idle()
    (shown,) = lists(journey, OLGA, "Providers")
    assert "⚪ gemini: drained" in shown
    await journey.press("Resume gemini", OLGA)
    await journey.idle()
    (shown,) = lists(journey, OLGA, "Providers")
    assert "🟢 gemini: answering" in shown


async def test_settings_change_in_place_and_repeated_press_is_no_error(journey: Journey) -> None:
    await journey.ask("/settings")
    for _ in range(2):
        await journey.press("Memory 10")
        await journey.idle()
    (shown,) = lists(journey, ANN, "Settings")
    assert "Memory: 10 messages" in shown
    assert not lists(journey, ANN, "Something went wrong")


async def test_deleted_list_is_sent_as_a_new_message(journey: Journey) -> None:
    await journey.ask("/settings")
    world = journey.sandbox.world
    (message,) = [m for m in world.messages(ANN) if m.get("text", "").startswith("Settings")]
    (button,) = [b for row in message["reply_markup"]["inline_keyboard"] for b in row if b["text"] == "Memory 0"]
    world.press(ANN, ANN, message["message_id"], button["callback_data"])
    del world.chats[ANN].messages[message["message_id"]]
    await journey.idle()
    (shown,) = lists(journey, ANN, "Settings")
    assert "Memory: 0 messages" in shown


async def test_payment_support_is_a_link_and_not_a_number(journey: Journey) -> None:
    text = await journey.ask("/paysupport")
    assert "to the operator" in text
    assert str(OLGA) not in text
    message = journey.sandbox.world.messages(ANN)[-1]
    assert any(
        entity.get("url") == f"tg://user?id={OLGA}" or (entity.get("user") or {}).get("id") == OLGA
        for entity in message["entities"]
    )


async def test_terms_name_a_seller_only_where_there_is_one(journey: Journey) -> None:
    assert "Operator" not in await journey.ask("/terms")
