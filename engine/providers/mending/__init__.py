"""Requests brought into the form that a provider takes, without losing or reordering any of a tenant's content."""
