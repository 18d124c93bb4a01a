"""How providers are spoken to: one dialect a file. An address is data, in engine/providers."""
