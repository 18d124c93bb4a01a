"""Frames other than plain deltas: heartbeats, empty choices, odd separators, pages, complete answers."""

import json

from engine.chat import Finish
from engine.errors import Garbled, Overloaded, StreamCut
from tests.engine.providers.dialects.wires import data
from tests.engine.providers.shapes.chunks import COUNTS, DONE, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of

HI = Answer("Hi there")
REFUSED = Answer("Hi there", Finish.REFUSED)
PARTS = (said("Hi"), said(" there"), choice("stop"), counted())
FILTERS = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": False, "severity": "safe"}}
HEAD = {"id": "", "created": 0, "model": "", "object": ""}
WHOLE = {
    "id": "x",
    "object": "chat.completion",
    "model": "m",
    "usage": COUNTS,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi there"}, "finish_reason": "stop"}],
}

SHAPES = [
    Shape("a proxy writes the field twice (new-api)", stream(*PARTS).replace("data: ", "data: data: "), HI),
    Shape("the end marker twice, and a frame after it", stream(*PARTS) + stream(said("no more")), HI),
    Shape("the end marker as a JSON text", stream(*PARTS, end="") + 'data: "[DONE]"\n\n', HI),
    Shape(
        "null, an empty object, a list and nothing as data",
        f"data: null\n\n{data({}, [])}data: \n\n" + stream(*PARTS),
        HI,
    ),
    Shape(
        "a server streams text completions",
        stream(
            {"choices": [{"index": 0, "text": "Hi", "finish_reason": None}]},
            {"choices": [{"index": 0, "text": " there", "finish_reason": "stop"}]},
            counted(),
        ),
        HI,
    ),
    Shape(
        "Together repeats the text of a delta beside it",
        stream({"choices": [{"index": 0, "text": "Hi there", "delta": {"content": "Hi there"}}]}, *PARTS[2:]),
        HI,
    ),
    Shape("a token that reads like a number comes as one", stream(choice(content=42), *PARTS[2:]), Answer("42")),
    Shape(
        "the content is one part, without a list",
        stream(choice(content={"type": "text", "text": "Hi there"}), *PARTS[2:]),
        HI,
    ),
    Shape("the finish is within the delta", stream(choice(content="Hi there", finish_reason="stop"), counted()), HI),
    Shape('the finish is "null" and false until the end', stream(said("Hi", "null"), *PARTS[1:]), HI),
    Shape(
        "infinite logprobs, which JSON has no number for",
        'data: {"choices":[{"index":0,"delta":{"content":"Hi"},'
        '"logprobs":{"content":[{"token":"Hi","logprob":-Infinity}]}}]}\n\n' + stream(*PARTS[1:]),
        HI,
    ),
    Shape(
        "DeepSeek has no resources in the middle",
        stream(PARTS[0], choice("insufficient_system_resource"), counted()),
        Overloaded,
    ),
    Shape("tool_calls as the finish of a text", stream(PARTS[0], PARTS[1], choice("tool_calls"), counted()), HI),
    Shape(
        "Groq's and Bedrock's guardrails",
        stream(PARTS[0], PARTS[1], choice("guardrail_intervened"), counted()),
        REFUSED,
    ),
    Shape(
        "Azure begins with the results of its prompt filter",
        stream({**HEAD, "choices": [], "prompt_filter_results": [{"prompt_index": 0}], "usage": None}, *PARTS),
        HI,
    ),
    Shape(
        "Azure ends with filter results in a choice without a delta (autogen)",
        stream(
            *PARTS[:3],
            {
                **HEAD,
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": None,
                        "content_filter_offsets": {"check_offset": 3},
                        "content_filter_results": FILTERS,
                    }
                ],
            },
            counted(),
        ),
        HI,
    ),
    Shape("MiniMax sends choices: null (Roo-Code)", stream({"choices": None, "usage": None}, *PARTS), HI),
    Shape("Groq and LM Studio send a frame without choices (freellmapi)", stream({"id": "x"}, *PARTS), HI),
    Shape(
        "AgentRouter sends data: null between thinking and answer (Kilo Code)",
        stream(said("Hi"), "null", *PARTS[1:]),
        HI,
    ),
    Shape(
        "AgentRouter separates its lines by one line break (Kilo Code)",
        "\n".join(f"data: {line}" for line in (json.dumps(said("Hi")), "null", *map(json.dumps, PARTS[1:]), DONE))
        + "\n\n",
        HI,
    ),
    Shape(
        "GLM-4.7 and Kimi-K2.5 separate their frames by one line break (eventsource-parser)",
        data(*PARTS, DONE, end="\n") + "\n",
        HI,
    ),
    Shape(
        "ChatGPT sends an event named ping with the time of day (chat2api)",
        "event: ping\ndata: 2024-04-27 01:35:43.686476\n\n" + stream(*PARTS),
        HI,
    ),
    Shape("DIAL sends an event named heartbeat without data", "event: heartbeat\ndata:\n\n" + stream(*PARTS), HI),
    Shape(
        "DeepInfra and text-generation-webui send comments named ping (Portkey)",
        ": ping - 2025-04-12 10:00:00\n\n" + stream(*PARTS),
        HI,
    ),
    Shape("Bifrost sends a comment right before a frame", ": heartbeat\n" + stream(*PARTS), HI),
    Shape("llama.cpp sends empty data frames (coddy-agent)", "data:\n\ndata: \n\n" + stream(*PARTS), HI),
    Shape("llama.cpp ends without a blank line (apogee)", stream(*PARTS, end="") + "data: [DONE]", HI),
    Shape("a server ends without an end marker", stream(*PARTS, end=""), HI),
    Shape("an end marker without a space, with blanks after it", stream(*PARTS, end="") + "data:[DONE]  \n\n", HI),
    Shape("garbage after the end marker", stream(*PARTS) + "data: {broken\n\n", HI),
    Shape("garbage after the finish and the usage", stream(*PARTS, "{broken", end=""), HI),
    Shape("a byte order mark and CRLF", "\ufeff" + stream(*PARTS).replace("\n", "\r\n"), HI),
    Shape(
        "MiniMax sends an empty role in each delta (MiniMax-M2.5)",
        stream(choice(role="", reasoning_content=""), *PARTS),
        HI,
    ),
    Shape(
        "llama.cpp begins with a role and content: null (apogee)",
        stream(choice(role="assistant", content=None), *PARTS),
        HI,
    ),
    Shape("a delta is null", stream({"choices": [{"index": 0, "delta": None, "finish_reason": None}]}, *PARTS), HI),
    Shape(
        "a choice without an index, and one with a text as index",
        stream(
            {"choices": [{"delta": {"content": "Hi"}}]},
            {"choices": [{"index": "0", "delta": {"content": " there"}}]},
            *PARTS[2:],
        ),
        HI,
    ),
    Shape(
        "llama.cpp reports its progress and its timings in frames",
        stream(
            {
                "choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}],
                "prompt_progress": {"total": 237, "cache": 0, "processed": 128, "time_ms": 181},
            },
            *PARTS[:3],
            {"choices": [], "usage": COUNTS, "timings": {"cache_n": 0, "prompt_n": 9, "predicted_n": 3}},
        ),
        HI,
    ),
    Shape("OpenAI pads its frames", stream(*({**part, "obfuscation": "aYx9Z"} for part in PARTS)), HI),
    Shape("Mistral sends a field p (ruby_llm)", stream(*({**part, "p": "abcdef"} for part in PARTS)), HI),
    Shape(
        "annotations and audio: null beside the text (OpenAI's newer models)",
        stream(*PARTS[:2], choice("stop", content="", annotations=[{"type": "url_citation"}], audio=None), counted()),
        HI,
    ),
    Shape(
        "gpt-oss on OpenRouter finishes twice (langchain)",
        stream(*PARTS[:3], {**choice("stop", content=""), "usage": COUNTS}),
        HI,
    ),
    Shape(
        "vLLM puts the last token into the frame that finishes",
        stream(said("Hi"), said(" there", "stop"), counted()),
        HI,
    ),
    Shape(
        "RAGFlow repeats the whole message in its last frame",
        stream(
            *PARTS[:2],
            {
                "choices": [
                    {
                        "index": 0,
                        "delta": {},
                        "message": {"role": "assistant", "content": "Hi there"},
                        "finish_reason": "stop",
                    }
                ]
            },
            counted(),
        ),
        HI,
    ),
    Shape(
        "a server that ignores stream answers whole, after blank lines",
        "\n\n\n" + json.dumps(WHOLE),
        HI,
        content_type="application/json",
    ),
    Shape("a whole answer printed over many lines", json.dumps(WHOLE, indent=2), HI, content_type="application/json"),
    Shape("a whole answer as the only frame of a stream", stream(WHOLE), HI),
    Shape(
        "the finish reason is an empty text until the end (one-api)",
        stream(choice("", content="Hi"), choice("", content=" there"), *PARTS[2:]),
        HI,
    ),
    Shape(
        "an emoji as two escapes of one frame (eliza)",
        'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d\\ude00"},"finish_reason":"stop"}]}\n\n'
        + data(counted(), DONE),
        Answer("\U0001f600"),
    ),
    Shape(
        "an emoji split between two frames (eliza, rakazo)",
        'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"},"finish_reason":null}]}\n\n'
        'data: {"choices":[{"index":0,"delta":{"content":"\\ude00b"},"finish_reason":null}]}\n\n'
        + data(choice("stop"), counted(), DONE),
        Answer("a\U0001f600b"),
    ),
    Shape(
        "half an emoji alone, which front ends replace (KohakuTerrarium)",
        'data: {"choices":[{"index":0,"delta":{"content":"a\\udcaf!"},"finish_reason":"stop"}]}\n\n'
        + data(counted(), DONE),
        Answer("a\udcaf!"),
    ),
    Shape(
        "half an emoji at the end",
        'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"},"finish_reason":"stop"}]}\n\n'
        + data(counted(), DONE),
        Answer("a\ud83d"),
    ),
    Shape(
        "a page with status 200 (Cloudflare)",
        "<!DOCTYPE html><html><body>Just a moment</body></html>",
        Garbled,
        content_type="text/html; charset=utf-8",
    ),
    Shape("a page that calls itself a stream", "<html>\n<body>502</body>\n</html>", Garbled),
    Shape("an empty body (LM Studio, model evicted)", "", StreamCut),
    Shape("a stream that stops in the middle (oh-my-pi)", stream(said("Hi"), end=""), StreamCut),
    Shape("a stream cut within a frame", stream(said("Hi"), end="") + 'data: {"choices":[{"in', Garbled),
    Shape("keep-alive comments and nothing else", ": OPENROUTER PROCESSING\n\n" * 9, StreamCut),
    Shape("Gemini's OpenAI endpoint sends only the end marker after the text", stream(said("Hi there"), counted()), HI),
    Shape(
        "the output limit in the frame of the last token",
        stream(said("Hi there", "length"), counted()),
        Answer("Hi there", Finish.LENGTH),
    ),
]


@each(SHAPES)
async def test_frames_become_one_answer_or_one_failure(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome
