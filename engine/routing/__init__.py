"""Which offer is asked next: the route, health and rate limits."""
