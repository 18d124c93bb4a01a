"""PTB's connection to Telegram, replaced by an object that answers at once."""

import json
from typing import Any

from telegram.request import BaseRequest, RequestData

CHAT = 7


class Port(BaseRequest):
    """Answers each call with the next of `errors` (raised, or returned if it is bytes), or else by `arrives`."""

    def __init__(self, *errors: Exception | bytes) -> None:
        self.errors = list(errors)

    @property
    def read_timeout(self) -> float | None:
        return 1

    async def initialize(self) -> None: ...
    async def shutdown(self) -> None: ...

    def called(self, method: str, data: RequestData) -> None:
        """Record a call before it fails or arrives."""

    def arrives(self, data: RequestData) -> dict[str, Any]:  # noqa: ARG002 - for those who note what did
        """Return the sent message."""
        return {"message_id": 1, "date": 0, "chat": {"id": CHAT, "type": "private"}}

    async def do_request(
        self,
        url: str,
        method: str,  # noqa: ARG002 - PTB's signature
        request_data: RequestData | None = None,
        *_: Any,
        **__: Any,
    ) -> tuple[int, bytes]:
        assert request_data is not None
        self.called(url.rpartition("/")[2], request_data)
        error = self.errors.pop(0) if self.errors else None
        if isinstance(error, bytes):
            return 200, error
        if error is not None:
            raise error
        return 200, json.dumps({"ok": True, "result": self.arrives(request_data)}).encode()
