"""The path of a prompt over HTTP, shared by all families of endpoints: body, idempotency, answer, events."""
