"""The trailers of chunked requests, which are dropped."""


class _Dropped(list[tuple[bytes, bytes]]):
    """A list that stays empty."""

    def append(self, _: tuple[bytes, bytes]) -> None:
        pass


TRAILERS = _Dropped()
"""Takes the place of a head's headers once the head is complete: the parser reports trailers as headers too."""
