"""Parts of providers' streams that several dialects have: tool calls, reasoning, usage reports, ends."""
