"""The error for a process that must stop sending."""

from telegram.error import TelegramError


class LeaseLapsed(TelegramError):
    """This process was frozen for longer than its lease: another one may have taken over its sending."""

    def __init__(self) -> None:
        super().__init__("the lease of this process has lapsed")
