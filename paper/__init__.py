"""What is printed: invoices as PDF and CSV. Values in, bytes out; both faces hand it over, neither owns it."""
