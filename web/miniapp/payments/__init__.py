"""Payments in the Mini App: top-ups and plans, with the same orders and rules as in the bot."""
