"""One prompt from admission to receipt."""
