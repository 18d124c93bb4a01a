"""Usage reports and ends of answers in the forms of servers of OpenAI's dialect."""

from engine.chat import Finish
from engine.errors import EmptyAnswer, Overloaded
from tests.engine.providers.shapes.chunks import COUNTS, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of

HI = Answer("Hi")
END = (said("Hi"), choice("stop"))
ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}

SHAPES = [
    Shape(
        "vLLM reports running totals in each frame (open-webui 29064)",
        stream(
            {**said("H"), "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}},
            {**said("i"), "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}},
            {**choice("stop"), "usage": COUNTS},
        ),
        HI,
    ),
    Shape(
        "usage in the frame of the finish and again in a frame of its own",
        stream(said("Hi"), {**choice("stop"), "usage": COUNTS}, counted()),
        HI,
    ),
    Shape("zeros after the real counts", stream(*END, counted(), counted(**ZEROS)), HI),
    Shape(
        "zeros in each frame, then the counts (MiniMax)",
        stream({**said("Hi"), "usage": {"total_tokens": 0, "total_characters": 0}}, choice("stop"), counted()),
        HI,
    ),
    Shape(
        "details alone after the counts",
        stream(*END, counted(), counted(prompt_tokens_details={"cached_tokens": 4})),
        Answer("Hi", usage=(9, 3, 4)),
    ),
    Shape("no usage at all", stream(*END), Answer("Hi", usage=None)),
    Shape(
        "usage null and an empty object",
        stream(*END, {"choices": [], "usage": None}, {"choices": [], "usage": {}}),
        Answer("Hi", usage=None),
    ),
    Shape(
        "Moonshot reports within the choice",
        stream(said("Hi"), {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": COUNTS}]}),
        HI,
    ),
    Shape(
        "Groq reports beside the choices",
        stream(said("Hi"), {**choice("stop"), "x_groq": {"id": "r", "usage": COUNTS}}),
        HI,
        provider="groq",
    ),
    Shape(
        "counts are texts, and floats with nothing behind the point",
        stream(*END, counted(prompt_tokens="9", completion_tokens=3.0, total_tokens="12")),
        HI,
    ),
    Shape(
        "counts are null beside a total (LiteLLM)",
        stream(*END, counted(prompt_tokens=9, completion_tokens=None, total_tokens=12)),
        Answer("Hi", usage=(9, 3), is_disputed=True),
    ),
    Shape("Anthropic's names on OpenAI's wire", stream(*END, counted(input_tokens=9, output_tokens=3)), HI),
    Shape(
        "DeepSeek's hits beside cached_tokens: 0",
        stream(
            *END,
            counted(
                **{
                    **COUNTS,
                    "prompt_cache_hit_tokens": 8,
                    "prompt_cache_miss_tokens": 1,
                    "prompt_tokens_details": {"cached_tokens": 0},
                }
            ),
        ),
        Answer("Hi", usage=(9, 3, 8)),
        provider="deepseek",
    ),
    Shape(
        "more cached tokens than input (AstrBot 9905)",
        stream(*END, counted(**{**COUNTS, "prompt_tokens_details": {"cached_tokens": 20}})),
        Answer("Hi", usage=(9, 3), is_disputed=True),
    ),
    Shape(
        "cached tokens beside the input, in the total (Claude behind a proxy)",
        stream(
            *END,
            counted(prompt_tokens=9, completion_tokens=3, total_tokens=32, prompt_tokens_details={"cached_tokens": 20}),
        ),
        Answer("Hi", usage=(29, 3, 20), is_disputed=True),
    ),
    Shape(
        "xAI's reasoning beside the output",
        stream(
            *END,
            counted(
                prompt_tokens=9,
                completion_tokens=3,
                total_tokens=52,
                completion_tokens_details={"reasoning_tokens": 40},
            ),
        ),
        Answer("Hi", usage=(9, 43, 0, 0, 40), is_disputed=True),
    ),
    Shape(
        "negative counts (new-api)",
        stream(*END, counted(prompt_tokens=9, completion_tokens=-1, total_tokens=8)),
        Answer("Hi", usage=(9, -1)),
    ),
    Shape("usage comes before the finish", stream(said("Hi"), counted(), choice("stop")), HI),
    Shape(
        "usage comes first, with the input alone (LM Studio)",
        stream({**choice(role="assistant"), "usage": {"prompt_tokens": 9}}, *END, counted()),
        HI,
    ),
    Shape("Perplexity's cost is an object", stream(*END, counted(**COUNTS, cost={"total_cost": 0.005})), HI),
    Shape(
        "OpenRouter's cost details without an upstream cost",
        stream(*END, counted(**COUNTS, cost=0, is_byok=False, cost_details={"upstream_inference_cost": None})),
        HI,
        provider="openrouter",
    ),
    Shape("upper case (Cohere, Gemini proxies)", stream(said("Hi"), choice("STOP"), counted()), HI),
    Shape("MAX_TOKENS of a proxy", stream(said("Hi"), choice("MAX_TOKENS"), counted()), Answer("Hi", Finish.LENGTH)),
    Shape("end_turn (litellm 12481)", stream(said("Hi"), choice("end_turn"), counted()), HI),
    Shape(
        "Gemini's function_call_filter (hermes 11171)",
        stream(choice("function_call_filter: MALFORMED_FUNCTION_CALL"), counted()),
        Overloaded,
    ),
    Shape(
        "OpenRouter's error with MALFORMED_FUNCTION_CALL (openrouter-examples 67)",
        stream(
            {
                "choices": [
                    {
                        "index": 0,
                        "delta": {"content": None},
                        "finish_reason": "error",
                        "native_finish_reason": "MALFORMED_FUNCTION_CALL",
                    }
                ]
            },
            counted(),
        ),
        Overloaded,
        provider="openrouter",
    ),
    Shape("GLM's sensitive", stream(said("Hi"), choice("sensitive"), counted()), Answer("Hi", Finish.REFUSED)),
    Shape("GLM's network_error", stream(said("Hi"), choice("network_error"), counted()), Overloaded),
    Shape(
        "GLM's model_context_window_exceeded",
        stream(said("Hi"), choice("model_context_window_exceeded"), counted()),
        Answer("Hi", Finish.LENGTH),
    ),
    Shape("vLLM's abort", stream(said("Hi"), choice("abort"), counted()), Overloaded),
    Shape("vLLM's repetition stop", stream(said("Hi"), choice("repetition"), counted()), HI),
    Shape("stop with nothing", stream(choice(role="assistant", content=""), choice("stop"), counted()), EmptyAnswer),
    Shape(
        "content_filter with nothing (Azure)", stream(choice("content_filter"), counted()), Answer("", Finish.REFUSED)
    ),
    Shape(
        "the input alone in the first frame (LiteLLM, vercel 2763)",
        stream({**said("H"), "usage": {"prompt_tokens": 9, "total_tokens": 9}}, said("i"), choice("stop"), counted()),
        HI,
    ),
    Shape("a frame without choices", stream(*END, {"usage": COUNTS}), HI),
    Shape("an empty list (PHP)", stream(*END, {"choices": [], "usage": []}), Answer("Hi", usage=None)),
    Shape(
        "details are an empty list or null",
        stream(*END, counted(**COUNTS, prompt_tokens_details=[], completion_tokens_details=None)),
        HI,
    ),
    Shape(
        "Moonshot's cached tokens stand beside the counts",
        stream(*END, counted(**COUNTS, cached_tokens=5)),
        Answer("Hi", usage=(9, 3, 5)),
    ),
    Shape(
        "DashScope's written cache",
        stream(*END, counted(**COUNTS, prompt_tokens_details={"cached_tokens": 2, "cache_creation_input_tokens": 5})),
        Answer("Hi", usage=(9, 3, 2, 5)),
    ),
    Shape(
        "Anthropic's names with a cache beside the input",
        stream(
            *END, counted(input_tokens=9, output_tokens=3, cache_read_input_tokens=20, cache_creation_input_tokens=4)
        ),
        Answer("Hi", usage=(33, 3, 20, 4)),
    ),
    Shape(
        "OpenAI's names, and Anthropic's for a cache within the input (LiteLLM)",
        stream(
            *END,
            counted(
                prompt_tokens=29,
                completion_tokens=3,
                total_tokens=32,
                cache_read_input_tokens=20,
                cache_creation_input_tokens=4,
                prompt_tokens_details={"cached_tokens": 20},
            ),
        ),
        Answer("Hi", usage=(29, 3, 20, 4)),
    ),
    Shape(
        "counts in a form of their own are none",
        stream(*END, {"choices": [], "timings": {"prompt_n": 9}}),
        Answer("Hi", usage=None),
    ),
    Shape(
        "finishReason",
        stream(said("Hi"), {"choices": [{"delta": {}, "finishReason": "length"}]}, counted(), end=""),
        Answer("Hi", Finish.LENGTH),
    ),
    Shape(
        "finish_details (gpt-4-vision)",
        stream(said("Hi"), {"choices": [{"delta": {}, "finish_details": {"type": "max_tokens"}}]}, counted()),
        Answer("Hi", Finish.LENGTH),
    ),
    Shape(
        "the finish within the delta is the output limit",
        stream(choice(content="Hi", finish_reason="length"), counted()),
        Answer("Hi", Finish.LENGTH),
    ),
    Shape(
        "a finish that is a number", stream(said("Hi"), {"choices": [{"delta": {}, "finish_reason": 1}]}, counted()), HI
    ),
    Shape(
        "a refusal in its own field (OpenAI's structured output)",
        stream(choice(refusal="I can't"), choice(refusal=" help."), choice("stop"), counted()),
        Answer(refusal="I can't help."),
    ),
    Shape(
        "a refusal as a part of the content",
        stream(choice(content=[{"type": "refusal", "refusal": "No."}]), choice("stop"), counted()),
        Answer(refusal="No."),
    ),
]


@each(SHAPES)
async def test_counts_and_ends_are_read_exactly(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome
