"""Messages from people, and the answers to them."""
