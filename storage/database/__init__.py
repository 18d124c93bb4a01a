"""Connections, transactions and leases on SQLite and PostgreSQL."""
