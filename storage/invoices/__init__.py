"""Monthly invoices, drafted from the ledger and frozen under a number."""
