"""Tenants, API keys and access."""
