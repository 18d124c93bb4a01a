"""One wire format a file."""
