"""DeepSeek: thinks by default, always reports usage; closing the socket stops the bill."""

from engine.providers.spec import Spec

SPEC = Spec(
    name="deepseek",
    base_url="https://api.deepseek.com",
    asks_usage=True,
    one_choice=True,
    efforts={
        "none": {"thinking": {"type": "disabled"}},
        "minimal": {"reasoning_effort": "low"},
        "medium": {"reasoning_effort": "high"},
        "xhigh": {"reasoning_effort": "max"},
    },
    thinking_off=(("", {"thinking": {"type": "disabled"}}),),
    console_url="platform.deepseek.com",
)
