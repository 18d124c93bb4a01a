"""A message from a person, and its answer."""
