"""The HTTP server: its connections with their limits, its start and its stop."""
