"""AttemptContent: the events of one attempt in the order received, and the choices made from them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from engine.catalog.offers import Offer
from engine.chat import Chunk, Delta, Finish, Finished, Served, TextDeltas, ToolCall, ToolCallDelta, Usage
from engine.completion import Choice
from engine.errors import EmptyAnswer, Garbled
from engine.providers.mending.json_check import checked

MOST_NAME_CHARS = 200
MOST_CHARS = 16_000_000  # of one answer: a longer one is treated as endless
# characters allowed in total and per token of the output limit: only whitespace needs this many
_SPARE_CHARS, _CHARS_PER_TOKEN = 200_000, 64
_EVENT_CHARS, _CALL_CHARS = 8, 32  # memory of an event, and of a piece of a tool call, apart from its text
_ENDLESS = "an answer without an end"
# if the choices end differently, the last one in this order counts
_BY_WEIGHT = (Finish.STOP, Finish.TOOL_CALLS, Finish.LENGTH, Finish.REFUSED)

ContentEvent: TypeAlias = Delta | Finished


class AttemptContent:
    """The content of one attempt: an append-only list of events, the reported usage, and a limit on the size.

    `events` holds the deltas with content or reasoning in the order received, then the end of each choice. With a
    `schema`, content is held back until the whole answer has been checked against it. `joins_texts`: texts that arrive
    together become one delta.
    """

    def __init__(
        self,
        offer: Offer,
        choices: int,
        most_tokens: int,
        schema: Mapping[str, Any] | None = None,
        *,
        joins_texts: bool = False,
    ) -> None:
        self.offer = offer
        self._schema, self._held, self._joins_texts = schema, list[Delta](), joins_texts
        self.events: list[ContentEvent] = []
        self.deltas = 0  # number of pieces with content or reasoning
        self.has_content = False
        self.usage: Usage | None = None
        self.served = ""
        self._choices = choices
        self._left_chars = min(MOST_CHARS, _SPARE_CHARS + _CHARS_PER_TOKEN * most_tokens)
        self._left_thinking_chars = MOST_CHARS
        self._finishes: dict[int, Finish] = {}
        self._stop_sequence = ""
        self._with_calls: set[int] = set()
        # an answer even without content: it has reasoning, or an end that is an answer by itself
        self._is_answer = False

    def add_all(self, chunks: Sequence[Chunk]) -> bool:
        """Record each of `chunks`; return True if any of them is content."""
        has_content = False
        for chunk in _joined(chunks) if self._joins_texts and len(chunks) > 1 else chunks:
            has_content = self.add(chunk) or has_content
        return has_content

    def add(self, chunk: Chunk) -> bool:
        """Record `chunk`; return True if it is content. Raises Garbled for an unknown choice or too much content."""
        if isinstance(chunk, TextDeltas):
            self._check(chunk)
            return self._add_texts(chunk.texts, chunk.index)
        if isinstance(chunk, Delta):
            self._check(chunk)
            self.deltas += 1
            return self._add_delta(chunk)
        if isinstance(chunk, Finished):
            self._check(chunk)
            known = self._finishes.get(chunk.index, Finish.STOP)
            self._finishes[chunk.index] = max(known, chunk.finish, key=_BY_WEIGHT.index)
            self._stop_sequence = self._stop_sequence or chunk.stop_sequence
            self._is_answer = self._is_answer or chunk.is_answer
        elif isinstance(chunk, Usage):
            self.usage = chunk
            self._is_answer = self._is_answer or chunk.reasoning_tokens > 0
        elif isinstance(chunk, Served):
            self.served = chunk.model[:MOST_NAME_CHARS]
        return False

    @property
    def is_whole(self) -> bool:
        """True if every choice has ended and this is an answer: only the usage may still be missing."""
        return len(self._finishes) >= self._choices and self._is_kept

    @property
    def is_cut(self) -> bool:
        """True if a choice ended at the output limit."""
        return Finish.LENGTH in self._finishes.values()

    @property
    def is_billed(self) -> bool:
        """True if every choice has ended and the usage is known."""
        return self.is_whole and self.usage is not None

    @property
    def _is_kept(self) -> bool:
        return self._is_answer or self.has_content

    def finish(self) -> None:
        """Append the end of each choice, once. A choice without a reported end gets one that fits its content.

        An answer may have no content if it has reasoning, or ended at the output limit, at a stop sequence of the
        request, or as a refusal. Raises EmptyAnswer for any other end without content. A choice with tool calls ends
        with `tool_calls` even if its provider reports `stop`, and the reverse, because agents rely on it.
        """
        if not self._is_kept:
            raise EmptyAnswer
        if len(self._finishes) < self._choices:
            for event in (*self.events, *self._held):
                self._finishes.setdefault(event.index, Finish.STOP)
            if not self._finishes:
                self._finishes[0] = Finish.STOP
        for index, finish in self._finishes.items():
            if finish in {Finish.STOP, Finish.TOOL_CALLS}:
                self._finishes[index] = Finish.TOOL_CALLS if index in self._with_calls else Finish.STOP
        ends = sorted(self._finishes.items())
        self._release_held()
        self.events += [Finished(finish, index, stop_sequence=self._stop_sequence) for index, finish in ends]

    def _release_held(self) -> None:
        """Deliver the content that was held back. Raises CapabilityMissing if it does not fit the schema."""
        held, self._held = self._held, []
        by_itself = {index for index, finish in self._finishes.items() if finish is Finish.STOP}
        try:
            held = held if self._schema is None else checked(held, self._schema, by_itself)
        finally:
            self.events += held

    def _add_texts(self, texts: list[str], index: int) -> bool:
        self.deltas += len(texts)
        joined = "".join(texts)
        self._left_chars -= _EVENT_CHARS * len(texts) + len(joined)
        if self._left_chars < 0:
            raise Garbled(_ENDLESS)
        self.has_content = True
        deltas = [Delta(joined, index)] if self._joins_texts else [Delta(text, index) for text in texts]
        if self._schema is not None:
            self._held += deltas
            return False
        self.events += deltas
        return True

    def _check(self, event: ContentEvent | TextDeltas) -> None:
        if not 0 <= event.index < self._choices:
            raise Garbled(f"choice {event.index} of {self._choices}")

    def _add_delta(self, delta: Delta) -> bool:
        is_content, is_thinking = bool(delta.text or delta.tool_calls), delta.is_thinking
        if is_thinking:
            self._is_answer = True
            hidden = len(delta.thinking_signature) + len(delta.redacted_thinking)
            self._left_thinking_chars -= _EVENT_CHARS + len(delta.thinking) + hidden
        if is_content:
            self._left_chars -= _EVENT_CHARS + len(delta.text)
            for call in delta.tool_calls:
                self._left_chars -= _CALL_CHARS + len(call.id) + len(call.name) + len(call.arguments)
                self._with_calls.add(delta.index)
        if self._left_chars < 0 or self._left_thinking_chars < 0:
            raise Garbled(_ENDLESS)
        self.has_content = self.has_content or is_content
        if is_content and self._schema is not None:
            self._held.append(delta)
            return False
        if is_content or is_thinking:
            self.events.append(delta)
        return is_content


def _joined(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield the chunks, with successive texts of one choice as one. Reports of usage between them come first."""
    texts, index = list[str](), 0
    for chunk in chunks:
        if isinstance(chunk, Usage):
            yield chunk
            continue
        if isinstance(chunk, Delta) and chunk.text and chunk == Delta(chunk.text, chunk.index):
            if texts and chunk.index != index:
                yield TextDeltas(texts, index)
                texts = []
            texts.append(chunk.text)
            index = chunk.index
            continue
        if texts:
            yield TextDeltas(texts, index)
            texts = []
        yield chunk
    if texts:
        yield TextDeltas(texts, index)


def text_of(events: Iterable[ContentEvent]) -> str:
    """Return all content as one text, including the arguments of tool calls, to count its tokens."""
    deltas = [event for event in events if isinstance(event, Delta)]
    if [delta for delta in deltas if delta.tool_calls]:
        return "".join([text for delta in deltas for text in (delta.text, *_arguments(delta))])
    return "".join([delta.text for delta in deltas])


def _arguments(delta: Delta) -> Iterable[str]:
    return (call.arguments for call in delta.tool_calls)


def thinking_of(events: Iterable[ContentEvent]) -> str:
    """Return all readable reasoning as one text."""
    return "".join([event.thinking for event in events if isinstance(event, Delta)])


def choices_of(events: Sequence[ContentEvent]) -> tuple[Choice, ...]:
    """Return the choices in order. A choice that ended without content is included, empty."""
    if (plain := _plain_choice(events)) is not None:
        return (plain,)
    found: defaultdict[int, _ChoiceParts] = defaultdict(_ChoiceParts)
    for event in events:
        found[event.index].add(event)
    return tuple(found[index].choice() for index in range(max(found, default=-1) + 1))


def _plain_choice(events: Sequence[ContentEvent]) -> Choice | None:
    """Return the choice if all events are text, as in most answers, else None. A faster way for the common case."""
    if not events or not isinstance(end := events[-1], Finished) or end.index:
        return None
    deltas = [event for event in events[:-1] if isinstance(event, Delta) and not event.index]
    is_special = [
        each.tool_calls or each.thinking or each.thinking_signature or each.logprobs is not None or each.is_refusal
        for each in deltas
    ]
    if any(is_special) or len(deltas) < len(events) - 1:
        return None
    return Choice("".join([delta.text for delta in deltas]), finish=end.finish)


@dataclass(slots=True)
class _CallParts:
    id: str = ""
    name: str = ""
    signature: str = ""
    arguments: list[str] = field(default_factory=list)

    def add(self, piece: ToolCallDelta) -> None:
        self.id, self.name = self.id or piece.id, self.name or piece.name
        self.signature = self.signature or piece.signature
        self.arguments.append(piece.arguments)

    def call(self) -> ToolCall:
        return ToolCall(self.id, self.name, "".join(self.arguments), self.signature)


@dataclass(slots=True)
class _ChoiceParts:
    texts: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    logprobs: list[Mapping[str, object]] = field(default_factory=list)
    calls: dict[int, _CallParts] = field(default_factory=dict)
    finish: Finish | None = None

    def add(self, event: ContentEvent) -> None:
        if isinstance(event, Finished):
            self.finish = event.finish
            return
        (self.refusals if event.is_refusal else self.texts).append(event.text)
        if event.thinking:
            self.thinking.append(event.thinking)
        if event.thinking_signature:
            self.signatures.append(event.thinking_signature)
        if event.logprobs is not None:
            self.logprobs.append(event.logprobs)
        for piece in event.tool_calls:
            self.calls.setdefault(piece.position, _CallParts()).add(piece)

    def choice(self) -> Choice:
        """Return the choice. With several signatures it gets none: each signs only a part of the reasoning."""
        return Choice(
            text="".join(self.texts),
            tool_calls=tuple(call.call() for _, call in sorted(self.calls.items())),
            finish=self.finish,
            thinking="".join(self.thinking),
            thinking_signature=self.signatures[0] if len(self.signatures) == 1 else "",
            refusal="".join(self.refusals),
            logprobs=_joined_logprobs(self.logprobs),
        )


def _joined_logprobs(pieces: Iterable[Mapping[str, object]]) -> Mapping[str, object] | None:
    """Return the log probabilities of all pieces joined as those of one text; None if there are none."""
    joined: dict[str, list[object]] = {}
    for piece in pieces:
        for name, value in piece.items():
            if isinstance(value, list):
                joined.setdefault(name, []).extend(value)
    return {"content": None, "refusal": None, **joined} if joined else None
