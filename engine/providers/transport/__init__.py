"""Requests to providers whose responses are passed to a Receiver, piece by piece, while they arrive."""
