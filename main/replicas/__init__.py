"""Processes that share one database and tell each other their learned facts."""
