import pytest

from engine.providers.model_facts import claude, is_openai_reasoning, needs_signatures, takes_penalties

LOW_TO_HIGH = ("low", "medium", "high")


@pytest.mark.parametrize(
    ("model", "efforts", "adaptive", "unasked", "sampling", "prefill", "structured"),
    [
        ("claude-3-haiku-20240307", (), False, False, True, True, False),
        ("claude-3-5-sonnet-latest", (), False, False, True, True, False),
        ("claude-3-7-sonnet-20250219", (), False, False, True, True, False),
        ("claude-sonnet-4-20250514", (), False, False, True, True, False),
        ("claude-haiku-4-5", (), False, False, True, True, True),
        ("claude-haiku-4-5-20251001", (), False, False, True, True, True),
        ("claude-opus-4-5", LOW_TO_HIGH, False, False, True, True, True),
        ("claude-sonnet-4-6", (*LOW_TO_HIGH, "max"), True, False, True, False, True),
        ("claude-opus-4-8", (*LOW_TO_HIGH, "max", "xhigh"), True, False, False, False, True),
        ("claude-haiku-5-5", (*LOW_TO_HIGH, "max", "xhigh"), True, True, False, False, True),
        ("claude-sonnet-5", (*LOW_TO_HIGH, "max", "xhigh"), True, True, False, False, True),
        ("claude-next", (*LOW_TO_HIGH, "max", "xhigh"), True, True, False, False, True),
    ],
)
def test_abilities_of_claude_follow_its_version(
    model: str, efforts: tuple[str, ...], adaptive: bool, unasked: bool, sampling: bool, prefill: bool, structured: bool
) -> None:
    found = claude(model)
    assert (found.efforts, found.is_adaptive, found.thinks_unasked) == (efforts, adaptive, unasked)
    assert (found.takes_sampling, found.takes_prefill, found.has_structured_output) == (sampling, prefill, structured)


@pytest.mark.parametrize(
    ("model", "thinks"),
    [
        ("claude-3-5-haiku-latest", False),
        ("claude-3-7-sonnet-latest", True),
        ("claude-opus-4-1", True),
        ("claude-haiku-5-5", True),
    ],
)
def test_claude_thinks_since_version_three_seven(model: str, thinks: bool) -> None:
    assert claude(model).has_thinking is thinks


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("claude-haiku-4-5", 4096), ("claude-opus-4-5", 4096), ("claude-sonnet-4-5", 1024), ("claude-haiku-5-5", 1024)],
)
def test_claude_caches_from_so_many_tokens(model: str, tokens: int) -> None:
    assert claude(model).cached_from_tokens == tokens


@pytest.mark.parametrize(
    ("model", "needs"),
    [
        ("gemini-1.5-pro", False),
        ("gemini-2.5-flash", False),
        ("gemma-3-27b", False),
        ("gemini-3-pro-preview", True),
        ("gemini-3.8-flash", True),
        ("gemini-4-argon", True),
        ("gemini-flash-latest", True),
    ],
)
def test_signatures_are_needed_since_gemini_three(model: str, needs: bool) -> None:
    assert needs_signatures(model) is needs


@pytest.mark.parametrize(
    ("model", "reasons"),
    [
        ("gpt-4o", False),
        ("gpt-4.1", False),
        ("gpt-5-chat-latest", False),
        ("gpt-5.1-chat-latest", False),
        ("gpt-5", True),
        ("gpt-5-nano", True),
        ("gpt-5.1", True),
        ("openai/gpt-6-luna", True),
        ("o3-mini", True),
        ("openai/o1", True),
        ("foo3", False),
    ],
)
def test_reasoning_models_of_openai_are_known_by_name(model: str, reasons: bool) -> None:
    assert is_openai_reasoning(model) is reasons


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        ("gemini-2.0-flash", True),
        ("gemini-1.5-pro", True),
        ("gemini-2.5-flash-lite", False),
        ("google/gemini-3.8-flash", False),
        ("gemini-flash-lite-latest", False),
        ("gemma-3-27b-it", True),
        ("gpt-4o", True),
    ],
)
def test_only_older_gemini_models_take_penalties(model: str, taken: bool) -> None:
    assert takes_penalties(model) is taken
