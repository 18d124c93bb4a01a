"""Documents: invoices as PDF, tables as CSV. Pure functions from values to bytes, used by bot and web."""
