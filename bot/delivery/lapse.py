"""The error of a process that may no longer send what it was sending."""

from telegram.error import TelegramError


class LeaseLapsed(TelegramError):
    """This process stood still for longer than its lease: another one may have taken over what it was sending."""

    def __init__(self) -> None:
        super().__init__("the lease of this process has lapsed")
