"""The gateway: takes one prompt from admission to receipt."""
