"""Tool calls of servers of OpenAI's dialect: each becomes one clean call with id, name and complete arguments."""

from engine.chat import Finish
from engine.errors import Garbled
from tests.engine.providers.shapes.chunks import call, calling, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of

PARIS, ROME = '{"city":"Paris"}', '{"city":"Rome"}'
A, B = ("a", "get_weather", PARIS), ("b", "get_weather", ROME)
ONE = Answer(calls=(A,), finish=Finish.TOOL_CALLS)
TWO = Answer(calls=(A, B), finish=Finish.TOOL_CALLS)
END = (choice("tool_calls"), counted())
SEVEN = Answer(calls=(("7", *A[1:]),), finish=Finish.TOOL_CALLS)
HEAD = calling(call("get_weather", "", index=0, id="a"))

SHAPES = [
    Shape(
        "frames without a delta while the call is written (vmlx 219)",
        stream(
            {"choices": [{"index": 0, "delta": {}}], "tool_call_generating": True},
            calling(call("get_weather", PARIS, index=0, id="a")),
            *END,
        ),
        ONE,
    ),
    Shape(
        "llama.cpp begins the arguments beside the name (llama.cpp 22722)",
        stream(calling(call("get_weather", "{", index=0, id="a")), calling(call(None, PARIS[1:], index=0)), *END),
        ONE,
    ),
    Shape(
        "Llama's parameters in the place of arguments",
        stream(
            choice(
                tool_calls=[
                    {"index": 0, "id": "a", "function": {"name": "get_weather", "parameters": {"city": "Paris"}}}
                ]
            ),
            *END,
        ),
        ONE,
    ),
    Shape(
        "a call without `function` around it",
        stream(choice(tool_calls=[{"index": 0, "id": "a", "name": "get_weather", "arguments": PARIS}]), *END),
        ONE,
    ),
    Shape(
        "one call without a list around it",
        stream(choice(tool_calls=call("get_weather", PARIS, index=0, id="a")), *END),
        ONE,
    ),
    Shape(
        "the call comes after the finish",
        stream(END[0], calling(call("get_weather", PARIS, index=0, id="a")), END[1]),
        ONE,
    ),
    Shape(
        "stop, and then tool_calls",
        stream(calling(call("get_weather", PARIS, index=0, id="a")), choice("stop"), *END),
        ONE,
    ),
    Shape(
        "a new id in each piece (SGLang)",
        stream(
            calling(call("get_weather", '{"city":', index=0, id="a")),
            calling(call(None, '"Paris"}', index=0, id="b")),
            *END,
        ),
        ONE,
    ),
    Shape(
        "an index that is a text, and one that is a float",
        stream(calling(call("get_weather", "", index="0", id="a")), calling(call(None, PARIS, index=0.0)), *END),
        ONE,
    ),
    Shape("an id that is a number", stream(calling(call("get_weather", PARIS, index=0, id=7)), *END), SEVEN),
    Shape(
        "DeepSeek begins the second call at index 0, and goes on at 1 (agno)",
        stream(
            HEAD,
            calling(call(None, PARIS, index=0)),
            calling(call("get_weather", "", index=0, id="b")),
            calling(call(None, '{"city":', index=1)),
            calling(call(None, '"Rome"}', index=1)),
            *END,
        ),
        TWO,
    ),
    Shape(
        "Ollama calls without an index, one frame each (ollama 7881)",
        stream(calling(call("get_weather", PARIS, id="a")), calling(call("get_weather", ROME, id="b")), *END),
        TWO,
    ),
    Shape(
        "Ollama ends with stop in a frame of its own (litellm 35663)",
        stream(calling(call("get_weather", PARIS, index=0, id="a")), choice("stop"), counted()),
        ONE,
    ),
    Shape(
        "gpt-4o ends forced calls with stop (ollama 7963)",
        stream(HEAD, calling(call(None, PARIS, index=0)), choice("stop"), counted()),
        ONE,
    ),
    Shape(
        "Gemini's OpenAI endpoint: no index, all in the last frame",
        stream(
            calling(call("get_weather", PARIS, id="a"), call("get_weather", ROME, id="b"), finish="stop"), counted()
        ),
        TWO,
    ),
    Shape(
        "SGLang sends arguments before the name, without an index (vercel 5885)",
        stream(calling(call(None, '{"city":', id="a")), calling(call("get_weather", '"Paris"}', id="a")), *END),
        ONE,
    ),
    Shape("vLLM xlam sends the arguments twice", stream(HEAD, calling(call(None, PARIS + PARIS, index=0)), *END), ONE),
    Shape(
        "vLLM xlam flushes the arguments again at the end",
        stream(HEAD, calling(call(None, PARIS, index=0)), calling(call(None, PARIS, index=0)), *END),
        ONE,
    ),
    Shape(
        "Bedrock sends {} before the arguments (openai-agents-js 712)",
        stream(HEAD, calling(call(None, "{}", index=0)), calling(call(None, PARIS, index=0)), *END),
        ONE,
    ),
    Shape(
        "arguments encoded twice (langchain-oracle, vllm 54964)",
        stream(calling(call("get_weather", '"{\\"city\\":\\"Paris\\"}"', index=0, id="a")), *END),
        ONE,
    ),
    Shape(
        "arguments encoded twice, in pieces",
        stream(
            HEAD, calling(call(None, '"{\\"city', index=0)), calling(call(None, '\\":\\"Paris\\"}"', index=0)), *END
        ),
        ONE,
    ),
    Shape(
        "SGLang's MiniMax parser cuts the arguments and starts again (sglang 23071)",
        stream(HEAD, calling(call(None, '{"city":"Par', index=0)), calling(call(None, '{"city":"Par', index=0)), *END),
        Answer(calls=(("a", "get_weather", '{"city":"Par'),), finish=Finish.LENGTH),
    ),
    Shape(
        "a call cut in the middle that ends with tool_calls",
        stream(HEAD, calling(call(None, '{"city":"Par', index=0)), *END),
        Answer(calls=(("a", "get_weather", '{"city":"Par'),), finish=Finish.LENGTH),
    ),
    Shape(
        "id, type and name are null in later pieces",
        stream(
            HEAD, calling({"index": 0, "id": None, "type": None, "function": {"name": None, "arguments": PARIS}}), *END
        ),
        ONE,
    ),
    Shape(
        "id, name and type are empty in later pieces (Azure, DashScope)",
        stream(HEAD, calling({"index": 0, "id": "", "type": "", "function": {"name": "", "arguments": PARIS}}), *END),
        ONE,
    ),
    Shape(
        "DashScope repeats the id in each piece",
        stream(
            HEAD, calling(call("", '{"city":', index=0, id="a")), calling(call("", '"Paris"}', index=0, id="a")), *END
        ),
        ONE,
    ),
    Shape(
        "Kimi's ids have dots and colons",
        stream(calling(call("get_weather", PARIS, index=0, id="functions.get_weather:0")), *END),
        Answer(calls=(("functions.get_weather:0", "get_weather", PARIS),), finish=Finish.TOOL_CALLS),
    ),
    Shape(
        "indexes begin at 1 (Grok, text-generation-inference)",
        stream(
            calling(call("get_weather", PARIS, index=1, id="a")),
            calling(call("get_weather", ROME, index=2, id="b")),
            *END,
        ),
        TWO,
    ),
    Shape(
        "tool_calls is null or empty beside the text",
        stream(
            choice(content="Hi", tool_calls=None), choice(content=" there", tool_calls=[]), choice("stop"), counted()
        ),
        Answer("Hi there"),
    ),
    Shape(
        "an entry that is null (new-api)",
        stream(choice(tool_calls=[None, call("get_weather", PARIS, index=0, id="a")]), *END),
        ONE,
    ),
    Shape("finish tool_calls without a call (mastra 14187)", stream(said("Hi"), *END), Answer("Hi")),
    Shape(
        "text before, and blanks after the call (Kimi)",
        stream(said("I look."), HEAD, calling(call(None, PARIS, index=0)), said(""), *END),
        Answer("I look.", calls=(A,), finish=Finish.TOOL_CALLS),
    ),
    Shape(
        "content is an empty text in each piece of a call (Moonshot)",
        stream(
            choice(content="", tool_calls=[call("get_weather", "", index=0, id="a")]),
            choice(content="", tool_calls=[call(None, PARIS, index=0)]),
            *END,
        ),
        ONE,
    ),
    Shape(
        "arguments are null for a function without parameters (vllm 21046)",
        stream(choice(tool_calls=[{"index": 0, "id": "a", "function": {"name": "now", "arguments": None}}]), *END),
        Answer(calls=(("a", "now", "{}"),), finish=Finish.TOOL_CALLS),
    ),
    Shape(
        "Mistral sends the call whole, with the finish",
        stream(calling(call("get_weather", PARIS, index=0, id="D681PevKs"), finish="tool_calls"), counted()),
        Answer(calls=(("D681PevKs", "get_weather", PARIS),), finish=Finish.TOOL_CALLS),
        provider="mistral",
    ),
    Shape(
        "arguments are blanks",
        stream(calling(call("get_weather", " \n", index=0, id="a")), *END),
        Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", "{}"),)),
    ),
    Shape(
        "an object, and then its text",
        stream(calling(call("get_weather", {}, index=0, id="a")), calling(call(None, PARIS, index=0)), *END),
        ONE,
    ),
    Shape(
        "function is null in a later piece",
        stream(
            calling(call("get_weather", PARIS, index=0, id="a")),
            choice(tool_calls=[{"index": 0, "function": None}]),
            *END,
        ),
        ONE,
    ),
    Shape(
        "a bracket too much at the end", stream(calling(call("get_weather", PARIS + "}", index=0, id="a")), *END), ONE
    ),
    Shape(
        "the name in two pieces",
        stream(calling(call("get_", index=0, id="a")), calling(call("weather", PARIS, index=0)), *END),
        ONE,
    ),
    Shape(
        "two calls by turns",
        stream(
            calling(call("get_weather", "", index=0, id="a"), call("get_time", "", index=1, id="b")),
            calling(call(None, '{"x":', index=1)),
            calling(call(None, PARIS, index=0)),
            calling(call(None, "1}", index=1)),
            *END,
        ),
        Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", PARIS), ("b", "get_time", '{"x":1}'))),
    ),
    Shape(
        "an index is left out",
        stream(
            calling(call("get_weather", PARIS, index=0, id="a")),
            calling(call("get_weather", ROME, index=2, id="b")),
            *END,
        ),
        Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", PARIS), ("b", "get_weather", ROME))),
    ),
    Shape(
        "the output limit within the arguments",
        stream(calling(call("get_weather", '{"ci', index=0, id="a"), finish="length"), counted()),
        Answer(finish=Finish.LENGTH, calls=(("a", "get_weather", '{"ci'),)),
    ),
    Shape("arguments never get a name", stream(calling(call(None, PARIS, index=0, id="a")), *END), Garbled),
]


@each(SHAPES)
async def test_calls_become_one_clean_call_each(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome


async def test_legacy_function_call_in_pieces_becomes_a_call() -> None:
    body = stream(
        choice(function_call={"name": "get_weather", "arguments": ""}),
        choice(function_call={"arguments": PARIS}),
        choice("function_call"),
    )
    found = await outcome_of(Shape("LocalAI", body, ONE))
    assert isinstance(found, Answer)
    assert [call[1:] for call in found.calls] == [A[1:]]
