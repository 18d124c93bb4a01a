"""ConversationIds: the conversation that a request continues, recognised by its messages."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.catalog.conversation_forecast import HTTP_PREFIX
from engine.chat import Message

_MOST_REQUESTS = 50_000
_LIFETIME_SECONDS = 6 * 3600.0


@dataclass(slots=True)
class ConversationIds:
    """The conversations of each tenant by the hash of their requests' messages. In memory, one per process.

    Ids are estimates for routing only: a forgotten conversation begins anew. `monotonic` returns seconds.
    """

    monotonic: Callable[[], float]
    most: int = _MOST_REQUESTS
    _ids: OrderedDict[tuple[int, int], tuple[str, float]] = field(default_factory=OrderedDict)

    def of(self, tenant_id: int, messages: Sequence[Message], request_id: str) -> str:
        """Return the id of the conversation that these messages continue, or a new one named after the request.

        A request continues a conversation where its messages begin with all those of an earlier request of the tenant.
        """
        now = self.monotonic()
        hashes = _prefix_hashes(messages)
        self._forget(now - _LIFETIME_SECONDS, self.most)
        found = (self._ids.get((tenant_id, prefix)) for prefix in reversed(hashes))
        known = next((each[0] for each in found if each is not None), None)
        conversation = known or f"{HTTP_PREFIX}{tenant_id}:{request_id}"
        key = (tenant_id, hashes[-1])
        self._ids[key] = (conversation, now)
        self._ids.move_to_end(key)
        self._forget(now - _LIFETIME_SECONDS, self.most)
        return conversation

    def _forget(self, before: float, most: int) -> None:
        """Forget the requests before `before`, and the oldest ones over `most`."""
        while self._ids:
            oldest = next(iter(self._ids))
            if self._ids[oldest][1] >= before and len(self._ids) <= most:
                return
            del self._ids[oldest]


def _prefix_hashes(messages: Sequence[Message]) -> list[int]:
    """Return a hash of the first message, of the first two, and so on. Roles are left out: to hash them takes long."""
    hashes: list[int] = []
    last = 0
    for message in messages:
        last = hash((last, message.parts, message.tool_calls, message.tool_call_id))
        hashes.append(last)
    return hashes
