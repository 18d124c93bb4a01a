"""Embeddings in each dialect: the bodies that are posted, and the vectors of the answers."""
