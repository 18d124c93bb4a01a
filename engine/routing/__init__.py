"""The order in which offers are asked: plan, health, rate limits."""
