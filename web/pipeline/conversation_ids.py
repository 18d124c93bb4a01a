"""Conversation ids: estimates of the conversation that a request over HTTP continues, by its history."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.catalog.conversation_forecast import HTTP_PREFIX
from engine.chat import Message, Role
from engine.completion import Completion
from engine.recent_entries import RecentEntries

_MOST_ENTRIES = 20_000  # two for each turn
_LIFETIME_SECONDS = 6 * 3600.0
_LEAST_ANSWER_CHARS = 24  # shorter texts, such as "Yes.", are answers in many conversations
_AMBIGUOUS = ""
_LATEST_ANSWERS = 3  # so many are looked up: clients edit, shorten or drop some


@dataclass(slots=True)
class ConversationIds:
    """The conversations of each tenant by hashes of their requests' messages and of our answers, in memory.

    One object per process. Ids are estimates used for routing only: a forgotten conversation begins anew. `monotonic`
    returns seconds. An entry is forgotten after one to two lifetimes, or when too many have been set since.
    """

    monotonic: Callable[[], float]
    entries: RecentEntries[int, str] = field(default_factory=lambda: RecentEntries(_MOST_ENTRIES))
    _begun: float = 0.0

    def of(self, tenant_id: int, messages: Sequence[Message], request_id: str) -> str:
        """Return the id of the conversation that these messages continue, or a new one named after the request.

        A request continues a conversation if its messages begin with all those of an earlier request of the tenant, or
        if one of its last answers is ours: clients change system prompts, drop old turns and append notes. A first
        question that equals an earlier one begins anew: one key may serve many people.
        """
        self._forget_older()
        hashes = _prefix_hashes(tenant_id, messages)
        is_begun = any(message.role is Role.ASSISTANT for message in messages)
        found = (self._by_answers(tenant_id, messages) or self._by_prefix(hashes)) if is_begun else None
        conversation = found or f"{HTTP_PREFIX}{tenant_id}:{request_id}"
        self.entries.set(hashes[-1], conversation)
        return conversation

    def answered(self, tenant_id: int, conversation: str, completion: Completion) -> None:
        """Note the answer of a conversation. The next request is recognized by it, unless another one had the same."""
        if completion.choices:
            self._forget_older()
            choice = completion.choices[0]
            for entry in _answer_hashes(tenant_id, choice.text, [call.id for call in choice.tool_calls]):
                before = self.entries.get(entry)
                self.entries.set(entry, conversation if before in {None, conversation} else _AMBIGUOUS)

    def _by_answers(self, tenant_id: int, messages: Sequence[Message]) -> str | None:
        left = _LATEST_ANSWERS
        for message in reversed(messages):
            if message.role is Role.ASSISTANT:
                calls = [call.id for call in message.tool_calls]
                for entry in _answer_hashes(tenant_id, message.text, calls):
                    if found := self.entries.get(entry):
                        return found
                left -= 1
                if not left:
                    break
        return None

    def _by_prefix(self, hashes: Sequence[int]) -> str | None:
        return next(filter(None, map(self.entries.get, reversed(hashes))), None)

    def _forget_older(self) -> None:
        """Drop the older half of the entries after each lifetime."""
        now = self.monotonic()
        if now - self._begun > _LIFETIME_SECONDS:
            self.entries.drop_older()
            if now - self._begun > 2 * _LIFETIME_SECONDS:
                self.entries.drop_older()
            self._begun = now


def _answer_hashes(tenant_id: int, text: str, call_ids: Sequence[str]) -> list[int]:
    """Return hashes of an answer: of its text without outer white space if it is long, and of the ids of its calls."""
    stripped = text.strip()
    texts = [stripped] if len(stripped) >= _LEAST_ANSWER_CHARS else []
    return [hash((tenant_id, "answer", each)) for each in (*texts, *call_ids) if each]


def _prefix_hashes(tenant_id: int, messages: Sequence[Message]) -> list[int]:
    """Return a hash of the first message, of the first two, and so on. Roles are not hashed, which saves time."""
    hashes: list[int] = []
    last = tenant_id
    for message in messages:
        last = hash((last, message.parts, message.tool_calls, message.tool_call_id))
        hashes.append(last)
    return hashes
