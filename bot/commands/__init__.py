"""One command per file: its COMMAND, or COMMANDS, holds handler, menu place and buttons."""
