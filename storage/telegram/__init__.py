"""Updates, outgoing answers, conversations and broadcasts."""
