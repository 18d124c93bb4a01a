"""Embeddings: the attempts at one request by the offers of one model."""
