"""OpenRouter: a reseller with a 5.5 % fee on credits; not every upstream stops billing on a closed socket.

Some models refuse to have their reasoning switched off: minimax and grok altogether, gpt-oss below `low`.
"""

from engine.providers.spec import Spec

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")

SPEC = Spec(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    close_stops_bill=False,
    one_choice=True,
    efforts=(
        (
            "",
            {
                **{effort: {"reasoning": {"effort": effort}} for effort in _EFFORTS},
                "max": {"reasoning": {"effort": "xhigh"}},
            },
        ),
    ),
    thinking_off=(
        ("minimax", {}),
        ("grok-4", {}),
        ("gpt-oss", {"reasoning": {"effort": "low"}}),
        ("", {"reasoning": {"effort": "none"}}),
    ),
    thinking_field="reasoning",
    embeds_base64=True,
    most_embedding_inputs=512,
    most_embedding_bytes=600_000,
    probe_path="/key",
    fee="0.055",
    reports_cost=True,
    console_url="openrouter.ai/keys",
    free_tier=True,
    headers={"X-Title": "Farthing"},
)
