"""The HTTP server: connections with limits, start and stop."""
