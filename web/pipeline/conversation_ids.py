"""ConversationIds: recognizes the conversation that a request continues by its messages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.catalog.conversation_forecast import HTTP_PREFIX
from engine.chat import Message

_MOST_REQUESTS = 20_000
_LIFETIME_SECONDS = 6 * 3600.0


@dataclass(slots=True)
class ConversationIds:
    """The conversations of each tenant by a hash of their requests' messages. In memory, one object per process.

    Ids are estimates used for routing only: a forgotten conversation begins anew. `monotonic` returns seconds. Requests
    are kept in two halves; when one is full or has lasted a lifetime, the older one is dropped as a whole.
    """

    monotonic: Callable[[], float]
    most: int = _MOST_REQUESTS
    _recent: dict[int, str] = field(default_factory=dict)
    _older: dict[int, str] = field(default_factory=dict)
    _begun: float = 0.0

    def of(self, tenant_id: int, messages: Sequence[Message], request_id: str) -> str:
        """Return the id of the conversation that these messages continue, or a new one named after the request.

        A request continues a conversation if its messages begin with all those of an earlier request of the tenant.
        """
        now = self.monotonic()
        if now - self._begun > _LIFETIME_SECONDS:
            self._forget_older(now)
        recent, older = self._recent, self._older
        hashes = _prefix_hashes(tenant_id, messages)
        found = (recent.get(prefix) or older.get(prefix) for prefix in reversed(hashes))
        conversation = next(filter(None, found), None) or f"{HTTP_PREFIX}{tenant_id}:{request_id}"
        recent[hashes[-1]] = conversation
        if len(recent) >= self.most // 2:
            self._forget_older(now)
        return conversation

    def _forget_older(self, now: float) -> None:
        is_current = now - self._begun <= 2 * _LIFETIME_SECONDS
        self._older = self._recent if is_current else {}
        self._recent, self._begun = {}, now


def _prefix_hashes(tenant_id: int, messages: Sequence[Message]) -> list[int]:
    """Return a hash of the first message, of the first two, and so on. Roles are not hashed, which saves time."""
    hashes: list[int] = []
    last = tenant_id
    for message in messages:
        last = hash((last, message.parts, message.tool_calls, message.tool_call_id))
        hashes.append(last)
    return hashes
