"""Timed jobs: each reads from the database what is due."""
