"""The engine: domain types, prices, routing and providers. It contains no Telegram, SQL or HTTP server."""
