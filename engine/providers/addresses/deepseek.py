"""DeepSeek: thinks by default and always reports usage; closing the socket stops the bill.

While it thinks, it refuses a forced tool, and an assistant's turn without `reasoning_content`
(api-docs.deepseek.com/guides/thinking_mode). It has JSON mode but no JSON schemas.

Prompts go to China. The privacy policy allows training on them, and the terms of the API make no exception
(cdn.deepseek.com/policies/en-US/deepseek-privacy-policy.html, …/deepseek-open-platform-terms-of-service.html).
"""

from engine.privacy import DataPolicy
from engine.providers.balances import BalanceCall, deepseek_balance
from engine.providers.spec import Spec

SPEC = Spec(
    name="deepseek",
    brand="DeepSeek",
    base_url="https://api.deepseek.com",
    asks_usage=True,
    one_choice=True,
    most_tools=128,
    least_top_p=0.01,
    without=frozenset({"seed", "logit_bias", "parallel_tool_calls"}),
    efforts=(
        (
            "",
            {
                "none": {"thinking": {"type": "disabled"}},
                "minimal": {"reasoning_effort": "low"},
                "low": {"reasoning_effort": "low"},
                "medium": {"reasoning_effort": "high"},
                "high": {"reasoning_effort": "high"},
                "xhigh": {"reasoning_effort": "max"},
                "max": {"reasoning_effort": "max"},
            },
        ),
    ),
    thinking_off=(("", {"thinking": {"type": "disabled"}}),),
    thinking_field="reasoning_content",
    needs_thinking_back=True,
    most_stops=16,
    has_schemas=False,
    balance=BalanceCall("/user/balance", deepseek_balance),
    data=DataPolicy("CN", trains=True, free_tier_trains=True),
    console_url="platform.deepseek.com",
)
