"""The order in which offers are tried: plan, health, rate limits."""
