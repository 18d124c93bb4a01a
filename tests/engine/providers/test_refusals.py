from typing import Any

import pytest

from engine.errors import (
    BalanceGone,
    CapabilityMissing,
    ContextTooLong,
    Garbled,
    KeyRefused,
    NoSuchModel,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestFault,
    TooBigForNow,
)
from engine.providers.refusals import refusal
from tests.engine.providers.dialects.wires import Wire
from tests.engine.providers.error_bodies import TOO_LONG, claude, google, says, wire

BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
NO_CREDIT = (
    "Your credit balance is too low to access the Anthropic API. "
    "Please go to Plans & Billing to upgrade or purchase credits."
)
AFFORDS = (
    "This request requires more credits, or fewer max_tokens. You requested up to 16384 tokens, "
    "but can only afford {}. To increase, visit https://openrouter.ai/settings/credits and upgrade to a paid account"
)
NO_MINIMAL = "Thinking level MINIMAL is not supported for this model. Please retry with other thinking level."
UNABLE = CapabilityMissing
ROWS: list[tuple[str, int, Any, type[ProviderError]]] = [
    # key refused
    ("openai", 401, says("Incorrect API key provided", code="invalid_api_key"), KeyRefused),
    ("anthropic", 401, claude("authentication_error"), KeyRefused),
    ("anthropic", 403, claude("permission_error"), KeyRefused),
    ("gemini", 400, google(400, "API key not valid.", "INVALID_ARGUMENT", BAD_KEY), KeyRefused),
    ("gemini", 403, google(403, "denied for security reasons", "PERMISSION_DENIED"), KeyRefused),
    # no money left
    ("deepseek", 402, says("Insufficient Balance"), BalanceGone),
    ("openrouter", 402, says("Insufficient credits", code=402), BalanceGone),
    ("openrouter", 402, says("x", code=402, metadata={"error_type": "in_flight_budget_exhausted"}), RateLimited),
    ("gemini", 402, google(402, "pay", "FAILED_PRECONDITION"), BalanceGone),
    ("gemini", 429, google(429, "Your prepayment credits are depleted.", "RESOURCE_EXHAUSTED"), RateLimited),
    ("gemini", 400, google(400, "User location is not supported.", "FAILED_PRECONDITION"), BalanceGone),
    ("gemini", 400, google(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"), KeyRefused),
    ("openai", 429, says("You exceeded your current quota", type="insufficient_quota"), BalanceGone),
    (
        "local",
        429,
        says("Allocated quota exceeded, please increase your quota limit.", code="insufficient_quota"),
        RateLimited,
    ),
    ("openai", 429, says("x", code="credit_balance_exhausted"), BalanceGone),
    ("openai", 429, says("x", code="organization_spend_limit_exceeded"), BalanceGone),
    ("openai", 429, says("x", code="project_spend_limit_exceeded"), BalanceGone),
    ("openai", 429, says("x", code="organization_usage_limit_exceeded"), BalanceGone),
    ("anthropic", 429, claude("rate_limit_error", error_code="enforced_spend_limit_reached"), BalanceGone),
    ("anthropic", 402, claude("billing_error"), BalanceGone),
    ("openai", 400, says("x", code="billing_hard_limit_reached"), BalanceGone),
    ("openrouter", 402, says(AFFORDS.format(255), code=402), BalanceGone),
    # words about the balance without a code: a short rest
    ("anthropic", 400, claude("invalid_request_error", NO_CREDIT), RateLimited),
    ("anthropic", 400, claude("invalid_request_error", f"bad tool: {NO_CREDIT}"), RequestFault),
    # rate limits
    ("openai", 429, says("Rate limit reached", code="rate_limit_exceeded"), RateLimited),
    ("openai", 429, says("Slow down", code="slow_down"), RateLimited),
    ("groq", 498, says("flex tier capacity exceeded"), RateLimited),
    (
        "groq",
        429,
        says("Rate limit reached on tokens per minute (TPM): Limit 6000, Used 5900", type="tokens"),
        RateLimited,
    ),
    (
        "gemini",
        429,
        google(429, "You exceeded your current quota, please check billing", "RESOURCE_EXHAUSTED"),
        RateLimited,
    ),
    ("mistral", 429, {"object": "error", "message": "limit", "type": "rate_limited", "code": "1300"}, RateLimited),
    ("openai", 429, "slow down", RateLimited),
    # too big for the limit per minute, or for the balance
    ("openrouter", 402, says(AFFORDS.format(256), code=402), TooBigForNow),
    ("openrouter", 402, says("Prompt tokens limit exceeded: 230799 > 91442.", code=402), TooBigForNow),
    ("groq", 413, says("Limit 6000, Requested 7000", type="tokens", code="rate_limit_exceeded"), TooBigForNow),
    ("openai", 429, says("Request too large for gpt-4o", type="tokens"), TooBigForNow),
    # context too long
    ("openai", 400, says(TOO_LONG, code="context_length_exceeded"), ContextTooLong),
    ("deepseek", 400, says(TOO_LONG, type="invalid_request_error"), ContextTooLong),
    (
        "gemini",
        400,
        google(
            400,
            "The input token count (9000) exceeds the maximum number of tokens allowed (8192).",
            "INVALID_ARGUMENT",
        ),
        ContextTooLong,
    ),
    (
        "anthropic",
        400,
        claude("invalid_request_error", "prompt is too long: 9000 tokens > 8192 maximum"),
        ContextTooLong,
    ),
    ("local", 400, says("x", type="exceed_context_size_error", n_prompt_tokens=9000, n_ctx=8192), ContextTooLong),
    (
        "local",
        500,
        says("request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it"),
        ContextTooLong,
    ),
    ("local", 400, {"object": "error", "message": TOO_LONG, "type": "BadRequestError", "code": 400}, ContextTooLong),
    # faults of the request, and errors that only look like faults
    ("openai", 400, says("Invalid value for 'messages'", param="messages"), RequestFault),
    ("deepseek", 422, says("bad role"), RequestFault),
    ("anthropic", 413, claude("request_too_large"), RequestFault),
    ("openai", 400, says("Unsupported parameter: 'max_tokens'", code="unsupported_parameter"), CapabilityMissing),
    ("mistral", 422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "x"]}]}, CapabilityMissing),
    ("mistral", 422, {"message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "x"]}]}}, CapabilityMissing),
    ("groq", 400, says("Failed to call a function.", code="tool_use_failed"), CapabilityMissing),
    ("deepseek", 400, says("This response_format type is unavailable now"), CapabilityMissing),
    ("gemini", 400, google(400, NO_MINIMAL, "INVALID_ARGUMENT"), CapabilityMissing),
    ("openrouter", 404, says("No endpoints found that support tool use", code=404), CapabilityMissing),
    ("openrouter", 403, says("Provider returned error", code=403, metadata={"provider_name": "xAI"}), RequestFault),
    ("openai", 415, says("no"), RequestFault),
    # moderation
    ("openrouter", 403, says("flagged", code=403, metadata={"reasons": ["violence"]}), RequestFault),
    ("openai", 400, says("x", code="content_policy_violation"), RequestFault),
    ("openai", 400, says("x", code="invalid_prompt"), RequestFault),
    # no such model
    ("openai", 404, says("The model `x` does not exist", code="model_not_found"), NoSuchModel),
    ("openai", 403, says("Project `p` does not have access to model `m`", code="model_not_found"), NoSuchModel),
    ("groq", 400, says("gone", code="model_decommissioned"), NoSuchModel),
    ("mistral", 400, {"object": "error", "message": "no", "type": "invalid_model", "code": "1500"}, NoSuchModel),
    ("openrouter", 400, says("x is not a valid model ID", code=400), RequestFault),
    ("openrouter", 404, says("No endpoints found for x.", code=404), NoSuchModel),
    ("gemini", 404, google(404, "models/x is not found for API version v1beta", "NOT_FOUND"), NoSuchModel),
    # no such model, by further codes
    ("openai", 410, says("The model is deprecated"), NoSuchModel),
    ("openai", 400, says("verify", param="stream", code="unsupported_value"), NoSuchModel),
    ("local", 400, says("x", param="model", code="model_not_supported"), NoSuchModel),
    ("local", 400, says("x", code="unknown_model"), NoSuchModel),
    ("local", 400, says("x", code="unavailable_model"), NoSuchModel),
    ("local", 400, says("x", code="OperationNotSupported"), NoSuchModel),
    ("local", 401, says("x", type="key_model_access_denied", code="401", param="model"), NoSuchModel),
    ("local", 403, says("x", type="team_model_access_denied", code="403", param="model"), NoSuchModel),
    ("local", 403, says("x", code="Model.AccessDenied", type="Model.AccessDenied"), NoSuchModel),
    ("local", 403, says("x", code="AccessDenied.Unpurchased"), NoSuchModel),
    ("local", 429, says("x", code="PostpaidBillOverdue"), BalanceGone),
    ("local", 400, says("x", code="1211"), NoSuchModel),
    ("local", 400, {"code": 20012, "message": "Model does not exist.", "data": None}, NoSuchModel),
    ("local", 403, {"code": 30003, "message": "Model disabled.", "data": None}, NoSuchModel),
    # money gone, by further codes
    ("local", 412, says("Account a is suspended, possibly due to reaching the monthly spending limit"), BalanceGone),
    ("local", 400, says("Budget has been exceeded!", type="budget_exceeded", code="400"), BalanceGone),
    ("local", 429, says("x", code="1113"), BalanceGone),
    ("local", 403, says("x", code="AccountOverdueError", type="Forbidden"), BalanceGone),
    ("local", 403, {"code": 30001, "message": "Sorry, your account balance is insufficient"}, BalanceGone),
    ("local", 403, says("x", code="AllocationQuota.FreeTierOnly"), BalanceGone),
    ("local", 403, says("x", type="new_api_error", code="pre_consume_token_quota_failed"), BalanceGone),
    ("groq", 400, says("x", type="invalid_request_error", code="organization_restricted"), KeyRefused),
    ("anthropic", 400, claude("invalid_request_error", "This organization has been disabled."), RateLimited),
    # errors of the company behind a reseller: nothing is wrong with the account
    ("openrouter", 401, says("Provider returned error", code=401, metadata={"provider_name": "X"}), Overloaded),
    ("openrouter", 402, says("Provider returned error", code=402, metadata={"provider_name": "X"}), Overloaded),
    # a firewall before the API: no key is at fault
    ("openai", 403, "<html><title>Attention Required! | Cloudflare</title></html>", Overloaded),
    ("local", 413, "", TooBigForNow),
    ("local", 413, "<html>413 Request Entity Too Large</html>", TooBigForNow),
    ("local", 413, says("Max size: 8000 tokens.", code="tokens_limit_reached"), TooBigForNow),
    # abilities that a model or a server lacks
    ("local", 400, says("registry.ollama.ai/library/gemma:2b does not support tools", type="api_error"), UNABLE),
    ("local", 500, says("tools param requires --jinja flag", code=500, type="server_error"), UNABLE),
    (
        "local",
        400,
        says('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
        UNABLE,
    ),
    ("local", 500, says("He asks: tools param requires --jinja flag", code=500), Overloaded),
    ("local", 400, says("Extra inputs are not permitted, field: 'logit_bias'"), UNABLE),
    # GLM, Volcengine, AWS, Cerebras
    ("local", 400, says(TOO_LONG, code="1261"), ContextTooLong),
    ("local", 400, says("x", code="1301"), RequestFault),
    ("local", 400, {"__type": "ThrottlingException", "message": "x"}, RateLimited),
    ("local", 429, says("x", type="too_many_requests_error", code="request_quota_exceeded"), RateLimited),
    # overloaded, broken
    ("openai", 503, says("busy", code="server_is_overloaded"), Overloaded),
    ("anthropic", 529, claude("overloaded_error"), Overloaded),
    ("local", 503, says("Loading model", code=503, type="unavailable_error"), Overloaded),
    ("openai", 405, "<html>", Overloaded),
    *[("openai", status, "<html>oops</html>", Overloaded) for status in (408, 500, 502, 504, 520, 521, 522, 523, 524)],
    ("openai", 302, "", Garbled),
]


@pytest.mark.parametrize(("name", "status", "body", "kind"), ROWS, ids=lambda value: str(value)[:40])
async def test_error_has_its_class(name: str, status: int, body: Any, kind: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as refused:
        await wire(name, status, body).chunks()
    assert type(refused.value) is kind
    if isinstance(refused.value, ContextTooLong):
        assert refused.value.context_tokens == 8192


async def test_geminis_error_in_a_list_is_read() -> None:
    with pytest.raises(RateLimited):
        await wire("gemini", 429, [google(429, "slow", "RESOURCE_EXHAUSTED")]).chunks()


MODERATED = [
    (400, says("x", code="content_filter", innererror={"code": "ResponsibleAIPolicyViolation"})),
    (400, says("x", code="1301", contentFilter=[{"role": "user", "level": 1}])),
    (400, says("x", code="InputTextSensitiveContentDetected", type="BadRequest")),
    (400, {"code": "DataInspectionFailed", "message": "x"}),
    (
        403,
        {
            "code": "The caller does not have permission to execute the specified operation",
            "error": "Content violates usage guidelines. Team: 1a-2b, API key ID: 9f-aa, Model: grok-4-0709, "
            "Failed check: SAFETY_CHECK_TYPE_BIO",
        },
    ),
    (403, {"code": "x", "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_CSAM"}),
]


@pytest.mark.parametrize(("status", "body"), MODERATED)
def test_moderation_of_any_provider_refuses_the_request_alone(status: int, body: Any) -> None:
    error = refusal(status, body, {})
    assert isinstance(error, RequestFault)
    assert error.moderation


async def test_refusal_for_safety_is_moderation() -> None:
    with pytest.raises(RequestFault) as refused:
        await wire("openai", 400, says("x", code="content_policy_violation")).chunks()
    assert refused.value.moderation


async def test_only_outages_count_against_a_provider() -> None:
    for name, status, body, _ in ROWS:
        with pytest.raises(ProviderError) as refused:
            await wire(name, status, body).chunks()
        assert refused.value.counts is isinstance(refused.value, Overloaded | Garbled)


async def test_long_error_is_not_read_to_its_end() -> None:
    with pytest.raises(Overloaded):
        await Wire("openai", (b"x" * 10_000 for _ in range(10**9)), status=500).chunks()


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"type": "overloaded_error"}, Overloaded, 529),
        ({"code": "server_is_overloaded"}, Overloaded, 503),
        ({"type": "rate_limit_error"}, RateLimited, 429),
        ({"code": 1301, "type": "rate_limit_error"}, RateLimited, 429),
        ({"code": 600, "type": "rate_limit_error"}, RateLimited, 429),
        ({"code": "503"}, Overloaded, 503),
        ({"code": "abc", "type": "authentication_error"}, KeyRefused, 401),
        ({"code": "4040", "type": "server_error"}, Overloaded, 500),
        ({"status": "RESOURCE_EXHAUSTED"}, RateLimited, 429),
        ({"code": 399}, Overloaded, None),
        ({"message": "unknown"}, Overloaded, None),
    ],
)
def test_error_within_a_stream_is_classified_by_its_code_or_type(
    error: dict[str, Any], kind: type[ProviderError], status: int | None
) -> None:
    found = refusal(None, {"error": error}, {})
    assert (type(found), found.status) == (kind, status)


@pytest.mark.parametrize(
    "body",
    [None, [], [[]], 7, "x", {}, {"error": None}, {"error": 7}, {"error": []}, {"error": {"message": 7, "details": 7}}],
)
def test_error_of_any_shape_is_classified(body: Any) -> None:
    assert type(refusal(400, body, {})) is RequestFault
    assert type(refusal(None, body, {})) is Overloaded
