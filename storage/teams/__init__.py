"""Teams: several people on one wallet, each with a limit."""
