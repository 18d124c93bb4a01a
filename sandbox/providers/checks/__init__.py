"""Checks of requests: a stand-in refuses the same requests as the real provider, in the provider's words."""
