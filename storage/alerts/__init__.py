"""Incidents, their messages, and notices to the admins."""
