"""OpenRouter: a reseller with a 5.5 % fee on credits; not every upstream stops billing on a closed socket."""

from engine.providers.spec import Spec

SPEC = Spec(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    close_stops_bill=False,
    one_choice=True,
    efforts={
        effort: {"reasoning": {"effort": effort}} for effort in ("none", "minimal", "low", "medium", "high", "xhigh")
    },
    thinking_off=(("", {"reasoning": {"effort": "none"}}),),
    embeds_base64=True,
    most_embedding_inputs=512,
    probe_path="/key",
    fee="0.055",
    reports_cost=True,
    console_url="openrouter.ai/keys",
    free_tier=True,
    headers={"X-Title": "Farthing"},
)
