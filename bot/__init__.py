"""Telegram: updates in, answers out."""
