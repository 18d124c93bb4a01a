"""Timed jobs. Each reads from the database the work that is due."""
