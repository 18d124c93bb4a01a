"""Requests to providers whose responses are pushed to a Receiver, piece by piece, as they come."""
