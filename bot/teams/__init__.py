"""The pages of /team."""
