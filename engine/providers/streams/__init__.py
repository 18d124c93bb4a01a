"""Parts of streams that several dialects share: tool calls, reasoning, usage reports, ends."""
