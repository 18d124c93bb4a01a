"""Calls to providers: addresses, dialects and the HTTP connection."""
