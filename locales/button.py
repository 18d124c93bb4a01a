"""A button of a message: its label in the locales, and the bot command that it runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Button:
    """A button. `key`: its label in the locales. Pressing it runs `action` of `command` with `args`."""

    key: str
    command: str
    action: str
    args: tuple[str, ...] = ()
