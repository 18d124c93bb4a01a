"""Scheduled prompts in the chat: read from words, shown, run."""
