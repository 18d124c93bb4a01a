"""Wire formats, one a file: a DIALECT that extends ProviderAdapter."""
