"""Providers, one a file: a SPEC with the facts and their sources."""
