"""Parts of streams that several dialects share: reasoning, usage reports, ends, and in `calls` tool calls."""
