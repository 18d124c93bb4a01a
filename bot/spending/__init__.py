"""Spending: the limits that a person sets, and a check before an answer that is expected to exceed them."""
