"""Scheduled prompts: the times at which they repeat, their records, and their runs."""
