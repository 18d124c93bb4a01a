"""Payments in the Mini App: top-ups and plans, by the same orders and rules as the bot's."""
