"""A person's choices of privacy: the providers that may see prompts, and how long texts are kept."""
