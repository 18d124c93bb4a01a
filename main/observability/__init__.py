"""Logs and traces of the service."""
