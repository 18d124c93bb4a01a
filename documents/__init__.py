"""What is printed: invoices as PDF, tables as CSV. Values in, bytes out; both faces hand it out, neither owns it."""
