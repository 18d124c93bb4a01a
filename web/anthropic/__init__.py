"""Anthropic's Messages API, as tenants call it."""
