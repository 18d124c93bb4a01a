"""OpenRouter: a reseller with a 5.5 % fee on credits; some of its upstream companies bill on after the socket closed.

Some models refuse to switch off their reasoning: minimax and grok always, gpt-oss below `low`.

It is in the United States and passes prompts on to companies in many countries. Some of them train on prompts, above
all those of `:free` models. `provider.data_collection: "deny"` excludes these for one request, and `provider.ignore`
excludes the companies that it names (openrouter.ai/docs/guides/routing/provider-selection).
"""

from engine.privacy import DataPolicy
from engine.providers.balances import BalanceCall, openrouter_credits
from engine.providers.spec import Efforts, Spec

_ASKED: Efforts = {
    **{effort: {"reasoning": {"effort": effort}} for effort in ("none", "minimal", "low", "medium", "high", "xhigh")},
    "max": {"reasoning": {"effort": "xhigh"}},
}

_UPSTREAMS = {
    "anthropic": ("anthropic",),
    "deepseek": ("deepseek",),
    "gemini": ("google-ai-studio", "google-vertex"),
    "groq": ("groq",),
    "mistral": ("mistral",),
    "openai": ("openai",),
}
"""The names of companies in OpenRouter's list of providers, by ours."""

SPEC = Spec(
    name="openrouter",
    brand="OpenRouter",
    base_url="https://openrouter.ai/api/v1",
    close_stops_bill=False,
    one_choice=True,
    efforts=(
        ("gpt-oss", {**_ASKED, "none": {"reasoning": {"effort": "low"}}}),
        ("minimax", {**_ASKED, "none": {}}),
        ("grok-4", {**_ASKED, "none": {}}),
        ("", _ASKED),
    ),
    thinking_off=(
        ("minimax", {}),
        ("grok-4", {}),
        ("gpt-oss", {"reasoning": {"effort": "low"}}),
        ("", {"reasoning": {"effort": "none"}}),
    ),
    thinking_field="reasoning",
    signed_calls="google/gemini-",
    embeds_base64=True,
    most_embedding_inputs=512,
    most_embedding_bytes=600_000,
    probe_path="/key",
    balance=BalanceCall("/key", openrouter_credits),
    fee="0.055",
    reports_cost=True,
    data=DataPolicy("US", trains=True, free_tier_trains=True, passes_on=True, can_refuse=True),
    upstreams=_UPSTREAMS,
    console_url="openrouter.ai/keys",
    free_tier=True,
    headers={"X-Title": "Farthing"},
)
