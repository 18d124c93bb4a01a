"""HTML in the Markdown of an answer."""
