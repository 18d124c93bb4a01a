"""Readers of files: they turn bytes into text and pictures, in a child process."""
