"""Tool calls of streams: their pieces, arguments and signatures."""
