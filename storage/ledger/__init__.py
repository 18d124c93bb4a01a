"""Holds, captures, transfers, wallets and receipts."""
