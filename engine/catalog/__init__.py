"""Models and offers: what each can do and what it costs now."""
