"""Telegram Stars: payments, subscriptions, refunds."""
