"""Wire formats, one per file: a DIALECT that extends ProviderAdapter."""
