"""Anthropic's Messages API for tenants."""
