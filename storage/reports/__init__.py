"""Sums over the journal: usage, roll-ups, losses, caps, liability."""
