"""Commands, one per file: its COMMAND, or COMMANDS, has the handler, the place in the menu and the buttons."""
