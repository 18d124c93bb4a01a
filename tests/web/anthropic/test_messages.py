"""POST /v1/messages, with the real `anthropic` client."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.lazily import Lazily
from tests.web.conftest import RunningApi

if TYPE_CHECKING:
    import anthropic
else:
    anthropic = Lazily("anthropic")  # importing it takes a second

ASKED: Any = [{"role": "user", "content": "tell me about the sea, at length"}]
TOOL: Any = {"name": "look", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}
PIXEL = "iVBORw0KGgo="
MODELS = ["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite", "anthropic/claude-haiku-4-5"]


def claude(api: RunningApi, key: str = "") -> "anthropic.AsyncAnthropic":
    return anthropic.AsyncAnthropic(base_url=api.url, auth_token=key or api.key, max_retries=0)


@pytest.mark.parametrize("model", [*MODELS, "auto"])
async def test_every_dialect_answers_whole_and_streamed_alike(api: RunningApi, model: str) -> None:
    async with claude(api) as client:
        whole = await client.messages.create(model=model, messages=ASKED, max_tokens=500)
        async with client.messages.stream(model=model, messages=ASKED, max_tokens=500) as stream:
            text = "".join([piece async for piece in stream.text_stream])
            streamed = await stream.get_final_message()
    assert (whole.type, whole.role, whole.stop_reason) == ("message", "assistant", "end_turn")
    assert whole.content[0].type == "text"
    assert text == whole.content[0].text
    assert "stand-in for" in text
    assert streamed.stop_reason == "end_turn"
    assert streamed.usage.output_tokens == whole.usage.output_tokens > 0
    assert streamed.usage.input_tokens == whole.usage.input_tokens > 0
    assert (whole.usage.model_extra or {})["cost"] >= 0
    assert (whole.model_extra or {})["farthing"]["model"] == whole.model
    await api.check_books()


@pytest.mark.parametrize("model", MODELS)
async def test_tool_calls_and_results_pass_through(api: RunningApi, model: str) -> None:
    messages: Any = [{"role": "user", "content": "use the tool look"}]
    asked: Any = {"model": model, "tools": [TOOL], "tool_choice": {"type": "any"}, "max_tokens": 500}
    async with claude(api) as client:
        whole = await client.messages.create(messages=messages, **asked)
        [call] = [block for block in whole.content if block.type == "tool_use"]
        assert (whole.stop_reason, call.name, type(call.input)) == ("tool_use", "look", dict)
        async with client.messages.stream(messages=messages, **asked) as stream:
            streamed = await stream.get_final_message()
        [again] = [block for block in streamed.content if block.type == "tool_use"]
        assert (again.name, again.input, streamed.stop_reason) == ("look", call.input, "tool_use")
        result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "a whale"}]}
        told: Any = [
            *messages,
            {"role": "assistant", "content": whole.content},
            {"role": "user", "content": [result]},
        ]
        after = await client.messages.create(model=model, messages=told, tools=[TOOL], max_tokens=500)
    assert "a whale" in after.content[0].text  # type: ignore[union-attr]


async def test_pictures_limits_and_system_pass_through(api: RunningApi) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    seen: Any = [{"role": "user", "content": [{"type": "text", "text": "see?"}, {"type": "image", "source": source}]}]
    async with claude(api) as client:
        picture = await client.messages.create(model="seen", messages=seen, max_tokens=500, system="Be brief.")
        assert "I see 1 picture" in picture.content[0].text  # type: ignore[union-attr]
        short = await client.messages.create(model="auto", messages=ASKED, max_tokens=5)
    assert (short.stop_reason, short.usage.output_tokens <= 5) == ("max_tokens", True)


async def test_stop_sequence_is_named_where_the_provider_names_it(api: RunningApi) -> None:
    asked: Any = {"messages": ASKED, "max_tokens": 500, "stop_sequences": ["stand-in"]}
    async with claude(api) as client:
        named = await client.messages.create(model="anthropic/claude-haiku-4-5", **asked)
        unnamed = await client.messages.create(model="deepseek/deepseek-v4-flash", **asked)
    assert (named.stop_reason, named.stop_sequence) == ("stop_sequence", "stand-in")
    assert (unnamed.stop_reason, unnamed.stop_sequence) == ("end_turn", None)


async def test_tokens_are_counted_without_a_charge(api: RunningApi) -> None:
    async with claude(api) as client:
        short = await client.messages.count_tokens(model="auto", messages=ASKED)
        long: Any = [{"role": "user", "content": "word " * 1000}]
        assert (await client.messages.count_tokens(model="auto", messages=long)).input_tokens > 500
        with pytest.raises(anthropic.BadRequestError):
            await client.messages.count_tokens(model="auto", messages=[])
    assert 0 < short.input_tokens < 100
    assert await api.rows("SELECT * FROM holds") == []


ERRORS: list[tuple[dict[str, Any], str, str]] = [
    ({"model": "no-such-model"}, "NotFoundError", "not_found_error"),
    ({"messages": []}, "BadRequestError", "invalid_request_error"),
    ({"max_tokens": 0}, "BadRequestError", "invalid_request_error"),
]


@pytest.mark.parametrize(("fields", "kind", "type"), ERRORS)
async def test_error_is_raised_by_the_client_as_its_own(
    api: RunningApi,
    fields: dict[str, Any],
    kind: str,
    type: str,  # noqa: A002
) -> None:
    async with claude(api) as client:
        for stream in (False, True):
            with pytest.raises(getattr(anthropic, kind)) as raised:
                await client.messages.create(
                    **{"model": "auto", "messages": ASKED, "max_tokens": 9, "stream": stream, **fields}
                )
            body: Any = raised.value.body
            assert (body["type"], body["error"]["type"]) == ("error", type)
            assert raised.value.response.headers["x-request-id"].startswith("req-")
    assert await api.rows("SELECT * FROM holds WHERE state = 'captured'") == []


async def test_everything_down_is_an_overload(api: RunningApi) -> None:
    api.set_mode("down")
    async with claude(api) as client:
        with pytest.raises(anthropic.APIStatusError) as raised:
            await client.messages.create(model="auto", messages=ASKED, max_tokens=9)
    body: Any = raised.value.body
    assert (raised.value.status_code, body["error"]["type"]) == (503, "overloaded_error")
    assert int(raised.value.response.headers["retry-after"]) >= 1


async def test_broken_stream_ends_with_an_error_event(api: RunningApi) -> None:
    api.set_mode("cut")
    async with claude(api) as client:
        with pytest.raises(anthropic.APIStatusError) as raised:
            async with client.messages.stream(model="auto", messages=ASKED, max_tokens=500) as stream:
                await stream.get_final_message()
    body: Any = raised.value.body
    assert body["error"]["type"] == "api_error"
    await api.idle()
    await api.check_books()


async def test_repeated_idempotency_key_replays_the_stream(api: RunningApi) -> None:
    body = {"model": "auto", "messages": ASKED, "max_tokens": 500, "stream": True}
    async with api.http(**{"Idempotency-Key": "k"}) as http:
        first, again = [await http.post("/v1/messages", json=body) for _ in range(2)]
        other = await http.post("/v1/chat/completions", json=body)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert other.status_code == 422
