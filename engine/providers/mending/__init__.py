"""Requests changed to the form that a provider accepts, without losing or reordering any of a tenant's content."""
