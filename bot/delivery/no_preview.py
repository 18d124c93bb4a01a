"""No preview: for an answer that no person is waiting for in the chat."""

from typing import Self


class NoPreview:
    """A Preview that shows nothing: the answer is sent as a whole."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Do nothing."""

    def show(self, text: str) -> None:
        """Do nothing."""

    async def end(self, head: str | None) -> None:
        """Do nothing."""

    def take_over(self) -> int | None:
        return None

    @property
    def has_shown(self) -> bool:
        return False
