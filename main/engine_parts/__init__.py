"""Parts of the engine, built from the configuration: catalogue, servers of the operator, transcriber."""
