"""PTB's connection to Telegram, replaced by a recorder: each call of the Bot API is recorded and answered at once."""

import json
from dataclasses import dataclass
from typing import Any

from telegram.request import BaseRequest, RequestData

from sandbox.telegram.members import membership
from sandbox.telegram.methods import FULL_INFO

ANN = 1001
ME = {"id": 1, "is_bot": True, "first_name": "Farthing", "username": "farthing_bot"}


@dataclass(slots=True)
class Call:
    """One call of the Bot API: its method, its parameters, and the files sent with it, by name."""

    method: str
    params: dict[str, Any]
    files: dict[str, bytes]

    @property
    def text(self) -> str:
        media = self.params.get("media")
        caption = (media if isinstance(media, dict) else json.loads(media)).get("caption") if media else None
        found = (self.params.get("text"), self.params.get("caption"), caption, self.params.get("rich_message"))
        return str(next(filter(None, found), ""))


class RecordingRequest(BaseRequest):
    """Records PTB's calls. `refusals`: the error that answers each method; `member`: the status of every user."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.refusals: dict[str, Exception] = {}
        self.member = "member"

    @property
    def read_timeout(self) -> float | None:
        return 1

    async def initialize(self) -> None: ...
    async def shutdown(self) -> None: ...

    async def do_request(
        self,
        url: str,
        method: str,  # noqa: ARG002 - PTB's signature
        request_data: RequestData | None = None,
        *_: Any,
        **__: Any,
    ) -> tuple[int, bytes]:
        name, params = url.rpartition("/")[2], request_data.parameters if request_data else {}
        files = request_data.multipart_data if request_data else None
        named = {
            str(part[0]): part[1] if isinstance(part[1], bytes) else part[1].read() for part in (files or {}).values()
        }
        self.calls.append(Call(name, dict(params), named))
        if error := self.refusals.get(name):
            raise error
        return 200, json.dumps({"ok": True, "result": self._result(name, params)}).encode()

    def _result(self, name: str, params: dict[str, Any]) -> Any:
        if name == "getMe":
            return ME
        if name == "getChatMember":
            return membership({"id": ANN, "is_bot": False, "first_name": "Ann"}, self.member)
        if name == "getChat":
            return {**chat_of(params["chat_id"]), **FULL_INFO}
        if name == "createInvoiceLink":
            return "https://t.me/$invoice"
        if name.startswith(("send", "editMessage")) and name not in {"sendChatAction", "sendMessageDraft"}:
            return {"message_id": 1000 + len(self.calls), "date": 0, "chat": chat_of(params.get("chat_id", ANN))}
        return True


def chat_of(chat_id: Any) -> dict[str, Any]:
    number = int(chat_id)
    return {"id": number, "type": "private" if number > 0 else "supergroup", "title": "Room", "first_name": "A"}
