"""OpenRouter: a reseller with a 5.5 % fee on credits; not every upstream stops billing on a closed socket.

Some models refuse to have their reasoning switched off: minimax and grok altogether, gpt-oss below `low`.
"""

from engine.providers.balances import BalanceCall, openrouter_credits
from engine.providers.spec import Efforts, Spec

_ASKED: Efforts = {
    **{effort: {"reasoning": {"effort": effort}} for effort in ("none", "minimal", "low", "medium", "high", "xhigh")},
    "max": {"reasoning": {"effort": "xhigh"}},
}

SPEC = Spec(
    name="openrouter",
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
    console_url="openrouter.ai/keys",
    free_tier=True,
    headers={"X-Title": "Farthing"},
)
