"""Further answers from public reports on gateways, servers and clients, in each dialect."""

import json
from typing import Any

from engine.chat import Finish
from engine.errors import Garbled, Overloaded, ProviderError, RateLimited, StreamCut
from tests.engine.providers.dialects.wires import data
from tests.engine.providers.shapes import test_anthropic_streams as claude
from tests.engine.providers.shapes.chunks import COUNTS, call, calling, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of
from tests.engine.providers.shapes.test_gemini_streams import part

JSON = "application/json"
HI = Answer("Hi there")
PARTS = (said("Hi there"), choice("stop"), counted())
PARIS = '{"city":"Paris"}'
ONE = Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", PARIS),))
END = (choice("tool_calls"), counted())
HEAD = calling(call("get_weather", "", index=0, id="a"))
GEMINI = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}


def ended(reason: str, native: str) -> str:
    """Return a stream that OpenRouter ends with `reason`, and its provider with `native`."""
    end = {"index": 0, "delta": {}, "finish_reason": reason, "native_finish_reason": native}
    return stream(said("Hi there"), {"choices": [end]}, counted())


def indexed(index: Any) -> str:
    return stream({"choices": [{"index": index, "delta": {"content": "Hi there"}}]}, *PARTS[1:])


def whole(message: dict[str, Any], finish: str, usage: Any = COUNTS) -> str:
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage})


def gemini(source: str, *frames: Any, outcome: Answer | type[ProviderError]) -> Shape:
    return Shape(source, data(*frames), outcome, "gemini")


def ended_as(finish: str) -> Shape:
    return gemini(f"finishReason {finish}", part("Hi"), part(finish=finish, usageMetadata=GEMINI), outcome=Overloaded)


def claudes(source: str, *end: str, outcome: Answer | type[ProviderError]) -> Shape:
    return claude.shape(source, *claude.PIECES, *end, outcome=outcome)


NATIVE_ENDS = [
    Shape("native network_error beside stop (hax 15)", ended("stop", "network_error"), Overloaded),
    Shape("native error beside stop (hax 15)", ended("stop", "error"), Overloaded),
    Shape("native MALFORMED_FUNCTION_CALL beside stop", ended("stop", "MALFORMED_FUNCTION_CALL"), Overloaded),
    Shape("native max_tokens beside stop", ended("stop", "max_tokens"), Answer("Hi there", Finish.LENGTH)),
    Shape(
        "native refusal beside stop (cherry-studio 16079)",
        ended("stop", "refusal"),
        Answer("Hi there", Finish.REFUSED),
    ),
    Shape("native completed beside stop", ended("stop", "completed"), HI),
    Shape(
        "a whole half with the reason error, counts null (bifrost 5425)",
        whole({"content": "half"}, "error", {"prompt_tokens": None, "completion_tokens": None, "total_tokens": 0}),
        Overloaded,
        content_type=JSON,
    ),
    Shape("an end for lack of resources (DeepSeek)", ended("insufficient_system_resource", ""), Overloaded),
    Shape("repetition_truncation (DashScope)", ended("repetition_truncation", ""), Answer("Hi there", Finish.LENGTH)),
    Shape("model_length (Mistral)", ended("model_length", ""), Answer("Hi there", Finish.LENGTH)),
    Shape("cancelled", ended("cancelled", ""), Overloaded),
]
CALLS = [
    Shape("a call whose name never comes (vllm 31443)", stream(calling(call(None, PARIS, index=0)), *END), Garbled),
    Shape(
        "name empty and id null in later pieces (sglang 4700)",
        stream(
            HEAD,
            *(
                calling({"index": 0, "id": None, "type": None, "function": {"arguments": piece, "name": ""}})
                for piece in ('{"ci', 'ty":"Pa', 'ris"}')
            ),
            *END,
        ),
        ONE,
    ),
    Shape(
        "id in each piece, and all arguments again as a text (litellm 20480)",
        stream(
            HEAD,
            calling(call(None, '{"city":', index=0, id="a")),
            calling(call(None, '"Paris"}', index=0, id="a")),
            calling(call("get_weather", json.dumps(PARIS), index=0, id="a")),
            *END,
        ),
        ONE,
    ),
    Shape(
        "arguments three times in one text (codex-lb 284)",
        whole({"content": None, "tool_calls": [call("get_weather", PARIS * 3, id="a")]}, "tool_calls"),
        ONE,
        content_type=JSON,
    ),
    Shape(
        "an id that grows by itself (archestra 866)",
        stream(HEAD, calling(call(None, PARIS, index=0, id="aa")), *END),
        ONE,
    ),
    Shape(
        "a further name that is null (SillyTavern 5948)",
        stream(
            calling({**call("get_weather", "", index=0, id="a"), "name": None}),
            calling({**call("get_weather", PARIS, index=0, id="a"), "name": None}),
            *END,
        ),
        ONE,
    ),
    Shape("an index that is a text", stream(calling(call("get_weather", PARIS, index="0", id="a")), *END), ONE),
    Shape(
        "an id that is a number",
        stream(calling(call("get_weather", PARIS, index=0, id=7)), *END),
        Answer(finish=Finish.TOOL_CALLS, calls=(("7", "get_weather", PARIS),)),
    ),
    Shape(
        "the same call again under another id is another call",
        stream(
            calling(call("get_weather", PARIS, index=0, id="a")),
            calling(call("get_weather", PARIS, index=1, id="b")),
            *END,
        ),
        Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", PARIS), ("b", "get_weather", PARIS))),
    ),
]
FRAMES = [
    Shape(
        "frames without content (hermes-agent 112183)", "data:\n\nevent: ping\ndata:\n\nid: 1\n\n" + stream(*PARTS), HI
    ),
    Shape("a ping with a word", "event: ping\ndata: ping\n\n" + stream(*PARTS), HI),
    Shape("a ping as JSON", stream({"type": "ping"}, *PARTS), HI),
    Shape("a comment without an empty line (llmgateway 2334)", ": ping\n" + stream(*PARTS), HI),
    Shape("choices: null", stream({"choices": None}, *PARTS), HI),
    Shape("delta: null", stream({"choices": [{"index": 0, "delta": None}]}, *PARTS), HI),
    Shape(
        "an index of the choice that is a text",
        indexed("0"),
        HI,
    ),
    Shape(
        "an index of the choice that is null",
        indexed(None),
        HI,
    ),
    Shape("lines that end with CR", stream(*PARTS).replace("\n", "\r"), HI),
    Shape("a byte order mark", "\ufeff" + stream(*PARTS), HI),
    Shape("the end marker as JSON", stream(*PARTS, end='"[DONE]"'), HI),
    Shape(
        "delta, and the message so far, in each frame (Perplexity)",
        stream(
            *(
                {
                    "choices": [
                        {
                            "index": 0,
                            "delta": {"content": new},
                            "message": {"role": "assistant", "content": text},
                            "finish_reason": finish,
                        }
                    ],
                    "usage": COUNTS,
                }
                for new, text, finish in (("Hi", "Hi", None), (" there", "Hi there", None), ("", "Hi there", "stop"))
            )
        ),
        HI,
    ),
]
USAGE = [
    Shape(
        "usage: null and no other", stream(*PARTS[:2], {"choices": [], "usage": None}), Answer("Hi there", usage=None)
    ),
    Shape(
        "one count null (livekit 6596)",
        stream(*PARTS[:2], counted(prompt_tokens=9, completion_tokens=None, total_tokens=12)),
        Answer("Hi there", is_disputed=True),
    ),
    Shape(
        "counts with a point",
        stream(*PARTS[:2], counted(prompt_tokens=9.0, completion_tokens=3.0, total_tokens=12.0)),
        HI,
    ),
    Shape(
        "counts as texts",
        stream(*PARTS[:2], counted(prompt_tokens="9", completion_tokens="3", total_tokens="12")),
        HI,
    ),
    claudes(
        "counts null at the end (litellm 11920)",
        claude.end(usage={"cache_read_input_tokens": None, "input_tokens": None, "output_tokens": 3}),
        claude.STOP,
        outcome=HI,
    ),
]
ERRORS = [
    Shape("an error that is a text, then [DONE] (NeoGraph 124)", stream({"error": "STREAM_EXPLODED"}), Overloaded),
    Shape(
        "a line with an error after one with text (agent-os 2214)",
        '{"choices":[{"delta":{"content":"Hi"}}]}\n{"error":"an error was encountered while running the model"}\n',
        Overloaded,
        content_type="application/x-ndjson",
    ),
    Shape(
        "an error within an error's message",
        stream(
            {"error": {"message": json.dumps({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}), "code": 429}}
        ),
        RateLimited,
    ),
    Shape("a body of null (open-webui 28938)", "null", StreamCut, content_type=JSON),
    Shape("a sentence of a load balancer", "upstream connect error", StreamCut, content_type="text/plain"),
    Shape("a page that calls itself a stream", "<html><body>502 Bad Gateway</body></html>", Garbled),
    Shape("FastAPI's detail", json.dumps({"detail": "Rate limit exceeded"}), Overloaded, content_type=JSON),
    *map(ended_as, ("UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE", "TOO_MANY_TOOL_CALLS")),
    claude.shape(
        "overloaded after text",
        *claude.PIECES[:3],
        claude.event("error", error={"type": "overloaded_error", "message": "x"}),
        outcome=Overloaded,
    ),
    claudes(
        "a full context",
        claude.end("model_context_window_exceeded", usage={"output_tokens": 3}),
        claude.STOP,
        outcome=Answer("Hi there", Finish.LENGTH),
    ),
]


@each([*NATIVE_ENDS, *CALLS, *FRAMES, *USAGE, *ERRORS])
async def test_reported_answer_has_one_outcome(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome
