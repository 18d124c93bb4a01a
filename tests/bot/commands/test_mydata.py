"""/export and /forget."""

import json

from tests.bot.commands.conftest import ANN, BAO, Chat


async def messages(chat: Chat) -> int:
    return int((await chat.rows("SELECT count(*) AS n FROM messages"))[0]["n"])


async def test_export_sends_all_data_as_a_file(chat: Chat) -> None:
    await chat.say("/ask a question about tea")
    calls = await chat.send("/export")
    (document,) = [call for call in calls if call.method == "sendDocument"]
    ((name, content),) = document.files.items()
    assert name == "farthing.json"
    assert document.text == "All the data I have about you."
    assert "a question about tea" in content.decode()
    assert json.loads(content)


async def test_export_has_nothing_of_others(chat: Chat) -> None:
    await chat.say("/ask a question about tea", BAO)
    calls = await chat.send("/export")
    assert b"about tea" not in b"".join(data for call in calls for data in call.files.values())


async def test_forget_asks_first(chat: Chat) -> None:
    await chat.say("/ask a question")
    assert "This can't be undone" in await chat.say("/forget")
    assert await messages(chat) == 2


async def test_cancelled_forget_deletes_nothing(chat: Chat) -> None:
    await chat.say("/ask a question")
    await chat.say("/forget")
    assert "Nothing was deleted." in await chat.press("Cancel")
    assert await messages(chat) == 2


async def test_confirmed_forget_deletes_conversations_and_name(chat: Chat) -> None:
    await chat.say("/ask a question")
    await chat.say("/ask another", BAO)
    await chat.say("/forget")
    assert "Deleted: your name and 2 messages." in await chat.press("Yes, delete")
    assert await messages(chat) == 2
    assert "Ann" not in [row["name"] for row in await chat.rows("SELECT name FROM tenants")]
    await chat.check_books()


async def test_button_obeys_its_owner_only(chat: Chat) -> None:
    await chat.say("/ask a question")
    await chat.say("/forget")
    await chat.press("Yes, delete", BAO)
    assert await messages(chat) == 2
    assert (await chat.state(ANN)).name == "Ann"


async def test_export_has_the_choices_of_privacy(chat: Chat) -> None:
    await chat.say("/settings")
    await chat.press("Who sees my prompts")
    await chat.press("✓ China")
    await chat.say("/settings")
    await chat.press("How long they are kept")
    await chat.press("7 days")
    calls = await chat.send("/export")
    account = json.loads(next(data for call in calls for data in call.files.values()))["account"]
    assert account["settings"]["exclusions"] == {"providers": [], "countries": ["CN"], "training": False}
    assert account["keep_days"] == 7
