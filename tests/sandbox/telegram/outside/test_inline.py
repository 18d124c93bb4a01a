"""Guest queries and inline results of the sandbox, as strict as Telegram."""

import json
from typing import Any

import pytest

from sandbox.telegram.outside import inline
from sandbox.telegram.refusals import BotApiError
from sandbox.telegram.world import World
from tests.journeys.conftest import ANN

ARTICLE: dict[str, Any] = {
    "type": "article",
    "id": "1",
    "title": "t",
    "input_message_content": {"message_text": "hello"},
    "reply_markup": {"inline_keyboard": [[{"text": "a", "url": "https://t.me/x"}]]},
}


async def test_guest_query_takes_one_answer_which_is_edited() -> None:
    world = World()
    query = inline.call_as_guest(world, ANN, "hi")
    params = {"guest_query_id": query, "result": json.dumps(ARTICLE)}
    name = (await inline.answer_guest_query(world, params))["inline_message_id"]
    with pytest.raises(BotApiError, match="query is too old"):
        await inline.answer_guest_query(world, params)
    assert inline.edit_inline(world, {"inline_message_id": name}, {"text": "new"})
    with pytest.raises(BotApiError, match="not modified"):
        inline.edit_inline(world, {"inline_message_id": name}, {"text": "new"})
    with pytest.raises(BotApiError, match="MESSAGE_ID_INVALID"):
        inline.edit_inline(world, {"inline_message_id": "x"}, {"text": "new"})


@pytest.mark.parametrize(
    "changes",
    [{"type": "photo"}, {"id": ""}, {"id": "x" * 65}, {"title": ""}, {"input_message_content": {"message_text": " "}}],
)
async def test_flawed_result_is_refused(changes: dict[str, Any]) -> None:
    world = World()
    query = inline.type_inline(world, ANN, "hi")
    with pytest.raises(BotApiError):
        await inline.answer_inline_query(
            world, {"inline_query_id": query, "results": json.dumps([{**ARTICLE, **changes}])}
        )


async def test_results_have_different_ids_and_one_without_a_keyboard_gets_no_inline_id() -> None:
    world = World()
    query = inline.type_inline(world, ANN, "hi")
    with pytest.raises(BotApiError, match="RESULT_ID_INVALID"):
        await inline.answer_inline_query(world, {"inline_query_id": query, "results": json.dumps([ARTICLE, ARTICLE])})
    plain = {name: value for name, value in ARTICLE.items() if name != "reply_markup"}
    await inline.answer_inline_query(world, {"inline_query_id": query, "results": json.dumps([plain])})
    assert inline.choose(world, query, "hi") == ""
