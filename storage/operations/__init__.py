"""Audit, backup, incidents, idempotency keys, personal data and job state."""
