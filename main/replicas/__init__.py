"""Processes that share one database and exchange their learned facts."""
