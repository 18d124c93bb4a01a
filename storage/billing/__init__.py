"""Plans, orders, payments, refunds, subscriptions, codes and reconciliation."""
