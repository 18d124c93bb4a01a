"""Spending: the limits that a person sets, and the brake before an answer that is expected to pass them."""
