"""Conversations in the Mini App: only the user's own."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.chat import Role, says
from storage.database.connection import Connection
from storage.telegram import conversations
from tests.web.miniapp.conftest import ANN, BAO, Mini
from tests.web.miniapp.payments.conftest import Shop, shop

__all__ = ["shop"]


async def talk(mini: Mini, tenant: int, user: int, *questions: str) -> None:
    """Create a conversation for each question, the first one the oldest."""

    def unit(conn: Connection) -> None:
        now = datetime.now(UTC) - timedelta(hours=len(questions))
        for number, question in enumerate(questions):
            at = now + timedelta(hours=number)
            conversations.reset(conn, user, 0, at)
            said = [says(Role.USER, question), says(Role.ASSISTANT, f"an answer to {question}")]
            conversations.append(conn, user, 0, tenant, f"{user}:{question}", said, at)

    await mini.container.db.write(unit)


async def titles(mini: Mini, user: int, path: str = "/app/conversations") -> list[str]:
    async with mini.http(user) as http:
        return [each["title"] for each in (await http.get(path)).json()["data"]]


async def test_conversations_are_listed_and_found(mini: Mini) -> None:
    await talk(mini, mini.ann, ANN, "tea in Huế", "the sea")
    await talk(mini, mini.bao, BAO, "his secret")
    assert await titles(mini, ANN) == ["the sea", "tea in Huế"]
    assert await titles(mini, ANN, "/app/conversations?search=HUẾ answer") == ["tea in Huế"]
    assert await titles(mini, ANN, "/app/conversations?search=secret") == []
    assert await titles(mini, BAO) == ["his secret"]


async def test_pages_go_back_to_the_oldest(mini: Mini) -> None:
    await talk(mini, mini.ann, ANN, *(f"q{number}" for number in range(23)))
    async with mini.http(ANN) as http:
        first = (await http.get("/app/conversations")).json()
        rest = (await http.get(f"/app/conversations?cursor={first['next']}")).json()
    assert ([each["title"] for each in rest["data"]], rest["next"]) == (["q2", "q1", "q0"], None)


async def test_conversation_is_read_from_its_end(mini: Mini) -> None:
    await talk(mini, mini.ann, ANN, "start")

    def unit(conn: Connection) -> None:
        for number in range(60):
            said = [says(Role.USER, f"q{number}\nsecond line")]
            conversations.append(conn, ANN, 0, mini.ann, f"more:{number}", said, datetime.now(UTC))

    await mini.container.db.write(unit)
    async with mini.http(ANN) as http:
        number = (await http.get("/app/conversations")).json()["data"][0]["id"]
        read = (await http.get(f"/app/conversations/{number}")).json()
        assert (len(read["messages"]), read["messages"][-1]["text"]) == (50, "q59\nsecond line")
        older = (await http.get(f"/app/conversations/{number}?cursor={read['older']}")).json()
        assert [each["role"] for each in older["messages"][:2]] == ["user", "assistant"]
        assert (older["messages"][0]["text"], older["older"]) == ("start", None)


async def test_conversation_is_renamed(mini: Mini) -> None:
    await talk(mini, mini.ann, ANN, "a long question")
    async with mini.http(ANN) as http:
        path = f"/app/conversations/{(await http.get('/app/conversations')).json()['data'][0]['id']}"
        renamed = (await http.put(path, json={"title": "  Tea \n time " + "x" * 80})).json()
        assert renamed["title"] == ("Tea time " + "x" * 80)[:60]
        for title in ("", " ", "\n", "x" * 201, "a\0b"):
            answer = await http.put(path, json={"title": title})
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, "title")
        assert (await http.get(path)).json()["title"] == renamed["title"]


async def test_conversation_is_resumed_in_the_chat(shop: Shop) -> None:
    await talk(shop.mini, shop.mini.ann, ANN, "old", "new")
    old = (await shop.http.get("/app/conversations")).json()["data"][1]
    assert not old["is_open"]
    resumed = (await shop.http.post(f"/app/conversations/{old['id']}/resume")).json()
    assert resumed["link"] == "https://t.me/farthing_sandbox_bot"
    assert "“old”" in resumed["text"]
    listed = (await shop.http.get("/app/conversations")).json()["data"]
    assert {each["title"]: each["is_open"] for each in listed} == {"old": True, "new": False}
    assert "You are back in “old”" in shop.world.messages(ANN)[-1]["text"]


async def test_conversation_is_deleted_with_its_messages(mini: Mini) -> None:
    await talk(mini, mini.ann, ANN, "a secret")
    async with mini.http(ANN) as http:
        path = f"/app/conversations/{(await http.get('/app/conversations')).json()['data'][0]['id']}"
        assert (await http.delete(path)).status_code == 204
        assert (await http.delete(path)).status_code == 404
    assert await mini.rows("SELECT * FROM messages") == []


@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("PUT", ""), ("POST", "/resume"), ("DELETE", "")])
async def test_conversations_of_others_do_not_exist(mini: Mini, method: str, end: str) -> None:
    await talk(mini, mini.bao, BAO, "his secret")
    (row,) = await mini.rows("SELECT id FROM conversations")
    async with mini.http(ANN) as http:
        for number in (row["id"], 999, "²", "x", "-1", "9" * 30):
            body = {"title": "mine"} if method == "PUT" else None
            answer = await http.request(method, f"/app/conversations/{number}{end}", json=body)
            assert answer.status_code == 404, number
    assert await titles(mini, BAO) == ["his secret"]


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("short", "short"),
        ("x" * 70, "x" * 59 + "…"),
        (
            f"Explain it to a ten-year-old, {'word ' * 5}with a table",
            f"Explain it to a ten-year-old, {'word ' * 5}with…",
        ),
        ("a" * 20 + " " + "b" * 60, "a" * 20 + " " + "b" * 38 + "…"),
        ("c" * 59 + " d", "c" * 59 + "…"),
    ],
)
async def test_title_ends_with_a_whole_word(mini: Mini, words: str, title: str) -> None:
    await talk(mini, mini.ann, ANN, words)
    assert await titles(mini, ANN) == [title]
