"""The way of a prompt over HTTP, the same for each family of endpoints: body, idempotency, answer, events."""
