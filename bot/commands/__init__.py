"""One command a file: menu, help, handler and buttons come from its COMMAND."""
