"""Groups: their wallets, the shares of their members, and their move to a new chat id."""
