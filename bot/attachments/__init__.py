"""The contents of messages as parts of a prompt: words, quotations, files, recordings."""
