"""The open client connections of a server, limited in number."""

from typing import Protocol


class Abortable(Protocol):
    """A connection as Connections needs it."""

    def abort(self) -> None: ...


class Connections:
    """The client connections of this process, at most `most`.

    One more connection closes the oldest one that waits for a request, first those without a complete head, then idle
    ones; else the one whose client has read nothing of its answer for the longest time. If there is none, the new
    connection is closed.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: set[Abortable] = set()
        self._new: dict[Abortable, None] = {}  # dicts keep the order of insertion
        self._idle: dict[Abortable, None] = {}
        self._stalled: dict[Abortable, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Abortable) -> None:
        self._open.add(connection)
        self._new[connection] = None
        if len(self._open) > self.most:
            oldest = self._oldest_waiting(connection)
            self.remove(oldest)  # removed now and not when it is lost, so that the next connection closes another one
            oldest.abort()

    def at_work(self, connection: Abortable) -> None:
        self._new.pop(connection, None)
        self._idle.pop(connection, None)

    def at_rest(self, connection: Abortable) -> None:
        if connection in self._open:
            self._idle[connection] = None

    def stalled(self, connection: Abortable) -> None:
        """Note that the client does not read its answer."""
        if connection in self._open:
            self._stalled[connection] = None

    def read_on(self, connection: Abortable) -> None:
        self._stalled.pop(connection, None)

    def remove(self, connection: Abortable) -> None:
        self.at_work(connection)
        self.read_on(connection)
        self._open.discard(connection)

    def _oldest_waiting(self, newest: Abortable) -> Abortable:
        oldest = next(iter(self._new))
        if oldest is not newest:
            return oldest
        return next(iter(self._idle), None) or next(iter(self._stalled), newest)
