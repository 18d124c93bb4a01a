"""Reasoning apart from the answer, in the fields and lists of each server."""

from dataclasses import replace
from typing import Any

from engine.chat import Finish
from tests.engine.providers.shapes.chunks import call, calling, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of

BOTH = Answer("Four.", thinking="Two and two.")
END = (said("Four."), choice("stop"), counted())


def listed(*parts: dict[str, Any]) -> dict[str, Any]:
    return choice(content=list(parts))


def thought(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


SHAPES = [
    Shape("Copilot calls it reasoning_text", stream(choice(reasoning_text="Two and two."), *END), BOTH),
    Shape("an object with its text (one-api)", stream(choice(reasoning={"content": "Two and two."}), *END), BOTH),
    Shape("Ollama calls it thinking", stream(choice(thinking="Two and "), choice(thinking="two."), *END), BOTH),
    Shape(
        "Gemini's OpenAI endpoint writes it into the text, with a mark beside (vercel, litellm)",
        stream(
            choice(content="<thought>Two and two.", extra_content={"google": {"thought": True}}),
            said("</thought>Four."),
            *END[1:],
        ),
        BOTH,
    ),
    Shape(
        "reasoning and answer in one frame",
        stream(choice(reasoning_content="Two and two.", content="Four."), *END[1:]),
        BOTH,
    ),
    Shape(
        "OpenRouter mirrors it into reasoning_details (laravel 813)",
        stream(
            choice(
                reasoning="Two and ", reasoning_details=[{"type": "reasoning.text", "text": "Two and ", "index": 0}]
            ),
            choice(reasoning="two.", reasoning_details=[{"type": "reasoning.text", "text": "two.", "index": 0}]),
            *END,
        ),
        BOTH,
        provider="openrouter",
    ),
    Shape(
        "OpenRouter sends reasoning_details alone",
        stream(
            choice(reasoning=None, reasoning_details=[{"type": "reasoning.summary", "summary": "Two and two."}]), *END
        ),
        BOTH,
        provider="openrouter",
    ),
    Shape(
        "vLLM sends it in two fields",
        stream(choice(reasoning="Two and two.", reasoning_content="Two and two."), *END),
        BOTH,
    ),
    Shape(
        "Ollama Cloud sends reasoning (cursor-byok)", stream(choice(reasoning="Two and two.", content=""), *END), BOTH
    ),
    Shape(
        "LiteLLM adds thinking_blocks",
        stream(
            choice(
                reasoning_content="Two and two.", thinking_blocks=[{"type": "thinking", "thinking": "Two and two."}]
            ),
            *END,
        ),
        BOTH,
    ),
    Shape(
        "LiteLLM sends thinking_blocks alone",
        stream(choice(thinking_blocks=[{"type": "thinking", "thinking": "Two and two.", "signature": "s"}]), *END),
        BOTH,
    ),
    Shape(
        "Magistral sends lists (ruby_llm 420)",
        stream(listed(thought("Two and ")), listed(thought("two.")), *END),
        BOTH,
        provider="mistral",
    ),
    Shape(
        "Mistral sends both in one list (openclaw 68418)",
        stream(listed(thought("Two and two."), {"type": "text", "text": "Four."}), choice("stop"), counted()),
        BOTH,
        provider="mistral",
    ),
    Shape(
        "Mistral sends references between texts (vercel 4820)",
        stream(
            listed({"type": "text", "text": "Fo"}),
            listed({"type": "reference", "reference_ids": [1]}),
            listed({"type": "text", "text": "ur."}),
            choice("stop"),
            counted(),
        ),
        Answer("Four."),
        provider="mistral",
    ),
    Shape(
        "GLM sends empty texts between its thoughts (pi 9674)",
        stream(choice(reasoning_content="Two "), said(""), choice(reasoning_content="and two."), said(""), *END),
        BOTH,
    ),
    Shape(
        "an empty field beside the answer (DeepSeek)",
        stream(
            choice(reasoning_content="Two and two.", content=None),
            choice(reasoning_content=None, content="Four."),
            choice("stop", reasoning_content=""),
            counted(),
        ),
        BOTH,
        provider="deepseek",
    ),
    Shape(
        "tags in the text (Ollama, DeepSeek R1)",
        stream(said("<think>"), said("\nTwo and two.\n"), said("</think>"), said("\n\n"), *END),
        BOTH,
    ),
    Shape("tags cut anywhere", stream(*map(said, ("<th", "ink>Two and two.</thi", "nk>")), *END), BOTH),
    Shape(
        "a closing tag alone (Qwen3 behind vLLM)",
        stream(said("Two and two.\n</think>\n\n"), *END),
        BOTH,
        model="qwen3-8b",
    ),
    Shape(
        "Granite and Seed tags are left as text",
        stream(said("<b>Four.</b>"), choice("stop"), counted()),
        Answer("<b>Four.</b>"),
    ),
    Shape(
        "thinking up to the output limit (gpt-oss)",
        stream(choice(reasoning="Two and two."), choice("length"), counted()),
        Answer("", Finish.LENGTH, thinking="Two and two."),
        provider="groq",
    ),
    Shape(
        "thinking alone and stop (Magistral)",
        stream(listed(thought("Two and two.")), choice("stop"), counted()),
        Answer("", thinking="Two and two."),
        provider="mistral",
    ),
    Shape(
        "thinking before a call (Kimi K2 thinking)",
        stream(
            choice(reasoning_content="Two and two."),
            calling(call("add", '{"a":2}', index=0, id="functions.add:0")),
            choice("tool_calls"),
            counted(),
        ),
        Answer("", Finish.TOOL_CALLS, calls=(("functions.add:0", "add", '{"a":2}'),), thinking="Two and two."),
    ),
    Shape("Seed-OSS's tags", stream(said("<seed:think>Two and "), said("two.</seed:think>"), *END), BOTH),
    Shape("Kimi's tags", stream(said("◁think▷Two and two.◁/think▷"), *END), BOTH),
    *(
        Shape(f"{opening} in pieces", stream(*map(said, f"{opening}Two and two.{closing}"), *END), BOTH)
        for opening, closing in (
            ("<unused94>thought\n", "<unused95>"),
            ("<mm:think>", "</mm:think>"),
            ("<|START_THINKING|>", "<|END_THINKING|>"),
            ("<|begin_of_thought|>", "<|end_of_thought|>"),
        )
    ),
    Shape(
        "gpt-oss names the channel of its answer, unparsed",
        stream(*map(said, "<|channel|>final<|message|>"), *END),
        replace(BOTH, thinking=""),
    ),
    Shape(
        "gpt-oss's channels, unparsed (mlx-lm 1867, maclocal-api 121)",
        stream(
            said("<|channel|>"),
            said("analysis<|message|>Two and two.<|end|>"),
            said("<|start|>assistant<|channel|>final<|message|>"),
            *END,
        ),
        BOTH,
    ),
    Shape("Gemma's channel, unparsed", stream(said("<|channel>thought\nTwo and two.\n<channel|>"), *END), BOTH),
    Shape("a list of texts", stream(choice(reasoning=[{"type": "text", "text": "Two and two."}]), *END), BOTH),
    Shape(
        "details without a text",
        stream(choice(reasoning_details=[{"text": None, "signature": "x"}]), *END),
        Answer("Four."),
    ),
    Shape("reasoning is an object with a text", stream(choice(reasoning={"text": "Two and two."}), *END), BOTH),
]


@each(SHAPES)
async def test_reasoning_is_split_from_the_answer(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome


async def test_encrypted_reasoning_shows_that_the_model_works() -> None:
    body = stream(
        choice(reasoning_details=[{"type": "reasoning.encrypted", "data": "gAAA"}]), choice("stop"), counted()
    )
    assert await outcome_of(Shape("o4-mini on OpenRouter", body, Answer(), provider="openrouter")) == Answer()
