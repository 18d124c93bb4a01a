"""The visible text of an answer that still grows, of which nothing changes once it is shown."""
