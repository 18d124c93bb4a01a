from typing import Any

import pytest

from engine.chat import ChatRequest, Role, says
from engine.errors import Garbled, KeyRefused, Overloaded
from engine.ports import LimitHeaders
from engine.providers.dialects.adapter import integer, json_bytes, json_object
from engine.providers.sse import Frame
from tests.engine.providers.dialects.wires import Wire, data

ANSWER = data({"choices": [{"delta": {"content": "hi"}, "finish_reason": "stop"}]}, "[DONE]")
HELLO = (says(Role.USER, "hello"),)


@pytest.mark.parametrize(
    ("value", "number"),
    [(7, 7), (-7, -7), (7.0, 7), (7.5, 0), (True, 0), ("7", 0), (None, 0), (float("inf"), 0)],
)
def test_integer_is_zero_for_anything_else(value: Any, number: int) -> None:
    assert integer(value) == number


@pytest.mark.parametrize(("text", "found"), [('{"a": 1}', {"a": 1}), ('[{"a": 1}, 2]', {"a": 1}), ("[]", {})])
def test_frame_is_an_object_or_the_first_of_a_list(text: str, found: dict[str, Any]) -> None:
    assert json_object(Frame("", text)) == found


@pytest.mark.parametrize("text", ["", "{", "7", "[7]", "[" * 100_000])
def test_frame_without_an_object_is_garbled(text: str) -> None:
    with pytest.raises(Garbled):
        json_object(Frame("", text))


async def test_limits_of_a_response_are_stored_by_key() -> None:
    wire = Wire("openai", ANSWER, headers={"X-RateLimit-Remaining-Requests": "3", "x-ratelimit-reset-requests": "6s"})
    await wire.chunks()
    assert wire.provider.limits(0) == LimitHeaders(3, 6)
    assert wire.provider.limits(1) is None


async def test_response_without_limits_keeps_the_last_ones() -> None:
    wire = Wire("openai", ANSWER, headers={"retry-after": "3"})
    wire.provider._limits[0] = LimitHeaders(3, 6)
    await wire.chunks()
    assert wire.provider.limits(0) == LimitHeaders(3, 6)


@pytest.mark.parametrize(("status", "error"), [(300, Garbled), (399, Garbled), (401, KeyRefused), (503, Overloaded)])
async def test_status_from_300_is_an_error(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        await Wire("openai", ANSWER, status=status).chunks()


async def test_status_299_is_an_answer() -> None:
    assert await Wire("openai", ANSWER, status=299).chunks()


async def test_html_page_is_garbled() -> None:
    with pytest.raises(Garbled, match="a page instead of an answer"):
        await Wire("openai", "<html>", headers={"content-type": "text/html; charset=utf-8"}).chunks()


@pytest.mark.parametrize(("status", "error"), [(400, True), (399, False)])
async def test_probe_fails_from_status_400(status: int, error: bool) -> None:
    wire = Wire("openai", "{}", status=status)
    if error:
        with pytest.raises(Exception, match="bad_request"):
            await wire.provider.probe()
    else:
        await wire.provider.probe()
    assert str(wire.sent[0].url) == "http://provider.test/v1/models"


async def test_lone_surrogate_is_sent_as_a_question_mark() -> None:
    wire = Wire("openai", ANSWER)
    await wire.chunks(ChatRequest("r", "m", (says(Role.USER, "a\ud83d"),)))
    assert b'"content":"a?"' in wire.sent[0].content


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"a": ["é", 1.5, None, True]}, '{"a":["é",1.5,null,true]}'.encode()),
        ({"a": "x\ud83d"}, b'{"a":"x?"}'),
        ({"a": 10**30}, b'{"a":%d}' % 10**30),
    ],
)
def test_body_is_compact_json_whatever_is_in_it(body: dict[str, object], expected: bytes) -> None:
    assert json_bytes(body) == expected
