"""Checks of requests: a stand-in refuses what the real provider refuses, in its words."""
