"""Providers, one per file: a SPEC with the provider's facts and their sources."""
