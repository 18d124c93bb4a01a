import gzip
import json
from typing import Any

import pytest

from engine.chat import Delta, Finish, Usage
from engine.errors import (
    BalanceGone,
    ContextTooLong,
    Garbled,
    Overloaded,
    ProviderError,
    RateLimited,
    StreamCut,
)
from engine.providers.dialects.openai_stream import OpenAIStreamReader
from tests.engine.providers.dialects.wires import Wire, calls, data, finishes, text, usage

USAGE = {"prompt_tokens": 9, "completion_tokens": 3}


def chunk(content: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    return {"model": "gpt-4o", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


USUAL = data(chunk("Ch"), chunk("ào 🌊"), chunk(finish="stop"), {"choices": [], "usage": USAGE}, "[DONE]")


async def test_bytes_may_be_split_within_a_character() -> None:
    for width in (1, 2, 3, 5, 7):
        raw = USUAL.encode()
        found = await Wire("openai", [raw[n : n + width] for n in range(0, len(raw), width)]).chunks()
        assert text(found) == "Chào 🌊"
        assert finishes(found) == [Finish.STOP]


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
async def test_every_line_ending_is_read(ending: str) -> None:
    raw = USUAL.replace("\n", ending).encode()
    for width in (1, 4, len(raw)):
        found = await Wire("openai", [raw[n : n + width] for n in range(0, len(raw), width)]).chunks()
        assert text(found) == "Chào 🌊"


async def test_comments_events_and_ids_are_skipped() -> None:
    body = ": OPENROUTER PROCESSING\n\n:\n\nid: 7\nretry: 10\nevent: message\n" + USUAL
    assert text(await Wire("openrouter", body).chunks()) == "Chào 🌊"


async def test_data_of_several_lines_is_one_frame() -> None:
    pretty = "\n".join(f"data: {line}" for line in json.dumps(chunk("hi", "stop"), indent=2).splitlines())
    assert text(await Wire("openai", pretty + "\n\ndata: [DONE]\n\n").chunks()) == "hi"


async def test_stream_without_an_end_marker_or_a_finish_reason_is_cut() -> None:
    assert text(await Wire("openai", data(chunk("hi"), "[DONE]")).chunks()) == "hi"
    assert text(await Wire("openai", data(chunk("hi", "stop"))).chunks()) == "hi"
    with pytest.raises(StreamCut):
        await Wire("openai", data(chunk("hi"))).chunks()


async def test_body_without_an_answer_is_a_failure() -> None:
    for body in (b"", b"\n\n\n", b": keep-alive\n\n", b"upstream connect error\n"):
        with pytest.raises(StreamCut):
            await Wire("openai", body).chunks()
    with pytest.raises(Garbled):
        await Wire("openai", "<html><body>502 Bad Gateway</body></html>").chunks()
    with pytest.raises(StreamCut):
        await Wire("openai", "hello", headers={"content-type": "text/html; charset=utf-8"}).chunks()


@pytest.mark.parametrize("indent", [None, 2])
async def test_whole_answer_of_a_server_that_ignores_stream_is_read(indent: int | None) -> None:
    whole = {
        "object": "chat.completion",
        "model": "gpt-4o",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "whole"}, "finish_reason": "stop"}],
        "usage": USAGE,
    }
    body = "\n\n  \n" + json.dumps(whole, indent=indent)
    found = await Wire("deepseek", body, headers={"content-type": "application/json"}).chunks()
    assert (text(found), finishes(found)) == ("whole", [Finish.STOP])
    assert usage(found) is not None


async def test_stream_with_a_json_content_type_is_read() -> None:
    assert text(await Wire("groq", USUAL, headers={"content-type": "application/json"}).chunks()) == "Chào 🌊"


async def test_compressed_bodies_are_unpacked() -> None:
    packed = gzip.compress(USUAL.encode())
    found = await Wire("openai", [packed[:10], packed[10:]], headers={"content-encoding": "gzip"}).chunks()
    assert text(found) == "Chào 🌊"
    with pytest.raises(ProviderError):
        await Wire("openai", b"not gzip at all", headers={"content-encoding": "gzip"}).chunks()


async def test_endless_frame_and_answer_are_garbled() -> None:
    with pytest.raises(Garbled):
        await Wire("openai", (b"x" * 1_000_000 for _ in range(9))).chunks()
    with pytest.raises(Garbled):
        await Wire("openai", (b"data: " + b"x" * 1_000_000 + b"\n" for _ in range(9))).chunks()


@pytest.mark.parametrize(
    "frame",
    [
        "{not json",
        "[1, 2]",
        "7",
        '"word"',
        "[" * 100_000,
        {"choices": [7]},
        {"choices": 5},
        {"choices": [{"delta": "x"}]},
        {"choices": [{"delta": {"tool_calls": 3}}]},
        {"choices": [{}] * 200},
    ],
)
async def test_frame_of_another_shape_is_garbled(frame: Any) -> None:
    with pytest.raises(Garbled):
        await Wire("openai", data(chunk("a"), frame, chunk(finish="stop"))).chunks()


@pytest.mark.parametrize(
    "odd", [{"usage": {"prompt_tokens_details": 5}}, {"usage": [1]}, {"x_groq": "y"}, {"usage": 7}]
)
async def test_odd_report_takes_nothing_away(odd: dict[str, Any]) -> None:
    found = await Wire(
        "openai", data(chunk("a"), {"choices": [], "usage": USAGE}, {"choices": [], **odd}, chunk(finish="stop"))
    ).chunks()
    assert (text(found), usage(found)) == ("a", Usage(9, 3))


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"error": {"message": "overloaded", "type": "server_error", "code": None}}, Overloaded),
        ({"error": "internal server error"}, Overloaded),
        ({"x_groq": {"error": "internal server error"}, "choices": []}, Overloaded),
        ({"error": {"code": 502, "message": "x"}, "choices": [{"index": 0, "finish_reason": "error"}]}, Overloaded),
        ({"error": {"code": 429, "message": "slow"}, "choices": []}, RateLimited),
        ({"error": {"message": "x", "type": "insufficient_quota"}}, BalanceGone),
        ({"object": "error", "message": "boom", "type": "internal_error", "code": 500}, Overloaded),
        ({"error": {"code": 400, "type": "exceed_context_size_error", "n_ctx": 4096, "message": "x"}}, ContextTooLong),
    ],
)
async def test_error_within_a_200_has_its_own_class(frame: Any, kind: type[ProviderError]) -> None:
    for before in ((), (chunk("some words"),)):
        with pytest.raises(kind):
            await Wire("openai", data(*before, frame, "[DONE]")).chunks()


async def test_event_named_error_and_bare_json_after_the_last_frame_are_errors() -> None:
    with pytest.raises(Overloaded):
        await Wire("openai", data(chunk("a")) + 'event: error\ndata: {"message": "gone"}\n\n').chunks()
    for indent in (None, 2):
        bare = json.dumps({"error": {"code": 503, "message": "overloaded"}}, indent=indent)
        with pytest.raises(Overloaded):
            await Wire("openai", data(chunk("a")) + bare).chunks()


@pytest.mark.parametrize("reason", ["error", "insufficient_system_resource"])
async def test_some_finish_reasons_are_failures(reason: str) -> None:
    with pytest.raises(Overloaded):
        await Wire("deepseek", data(chunk("a"), chunk(finish=reason))).chunks()


@pytest.mark.parametrize(
    ("reason", "ours"),
    [
        ("stop", Finish.STOP),
        ("length", Finish.LENGTH),
        ("model_length", Finish.LENGTH),
        ("tool_calls", Finish.TOOL_CALLS),
        ("function_call", Finish.TOOL_CALLS),
        ("content_filter", Finish.REFUSED),
        ("eos_of_tomorrow", Finish.STOP),
    ],
)
async def test_finish_reason_is_mapped_to_a_finish(reason: str, ours: Finish) -> None:
    assert finishes(await Wire("mistral", data(chunk("a"), chunk(finish=reason))).chunks()) == [ours]


async def test_text_of_a_refusal_is_marked_and_ends_as_its_provider_says() -> None:
    body = data(delta(refusal="I can't"), delta(refusal=" help."), chunk(finish="stop"), "[DONE]")
    found = await Wire("openai", body).chunks()
    assert (text(found), finishes(found)) == ("I can't help.", [Finish.STOP])
    assert all(piece.is_refusal for piece in found if isinstance(piece, Delta))


async def test_thinking_is_not_content() -> None:
    body = data(delta(reasoning="hm"), delta(reasoning_content="so"), chunk("yes", "stop"))
    found = [piece for piece in await Wire("groq", body).chunks() if isinstance(piece, Delta)]
    assert [piece.is_content for piece in found] == [False, False, True]
    assert [piece.thinking for piece in found] == ["hm", "so", ""]


async def test_tool_calls_are_read_in_pieces_or_whole() -> None:
    pieces = data(
        delta(tool_calls=[{"index": 0, "id": "c1", "function": {"name": "look", "arguments": ""}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a":'}}]),
        delta(tool_calls=[{"index": 1, "id": "c2", "function": {"name": "go", "arguments": "{}"}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": " 1}"}}]),
        chunk(finish="tool_calls"),
        "[DONE]",
    )
    assert calls(await Wire("openai", pieces).chunks()) == [("look", '{"a": 1}'), ("go", "{}")]
    whole = data(delta(tool_calls=[{"id": "c", "function": {"name": "look", "arguments": {"a": 1}}}]), "[DONE]")
    assert calls(await Wire("mistral", whole).chunks()) == [("look", '{"a":1}')]


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"usage": USAGE},
        {"model": "another"},
        {"x_groq": {"usage": USAGE}},
        {"choice": {"logprobs": {"content": [{"token": "b"}]}}},
        {"choice": {"usage": USAGE}},
        {"choice": {"finish_reason": "length"}},
        {"delta": {"reasoning_content": "hm"}},
        {"delta": {"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}},
        {"delta": {"refusal": "no"}},
        {"delta": {"role": "assistant", "reasoning_content": None, "tool_calls": []}},
        {"choice": {"index": "0"}},
        {"choice": {"index": []}},
    ],
)
async def test_chunk_of_plain_text_is_read_as_any_other(extra: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    rest = {name: value for name, value in extra.items() if name not in {"choice", "delta"}}
    choice = {"index": 0, "delta": {"content": "b", **extra.get("delta", {})}, **extra.get("choice", {})}
    body = data(chunk("a"), {"model": "gpt-4o", "choices": [choice], **rest}, chunk("c", "stop"), "[DONE]")
    found = []
    for _ in range(2):
        try:
            found.append(await Wire("openai", body).chunks())
        except Garbled as error:
            found.append([str(error)])  # type: ignore[list-item]
        monkeypatch.setattr(OpenAIStreamReader, "_plain_text", lambda _, __: None)
    assert found[0] == found[1]
