"""Readers of files: bytes in, text and pictures out. They run in a child process."""
