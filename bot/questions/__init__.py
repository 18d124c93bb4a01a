"""The records of questions, as handlers use them, and the buttons that act on them."""
