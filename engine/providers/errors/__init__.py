"""Facts about providers' errors: their codes, the waits that they ask for, the messages that are read."""
