"""MarkupLeaks: removes a model's own end tokens from the end of a text, and turns tool calls in it into real ones.

A text that a server sent more than once is refused.
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from msgspec import structs

from engine.chat import ChatRequest, Chunk, Delta, Finish, Finished, Role, TextDeltas, ToolCallDelta
from engine.errors import Garbled
from engine.providers.leaks.bare_calls import SIGNS, BareCalls
from engine.providers.leaks.end_tokens import end_tokens_at, held_from, is_about_tokens, is_in_code
from engine.providers.leaks.repeated_texts import is_repeated
from engine.providers.leaks.written_calls import NoCall, WrittenCall, WrittenCalls
from engine.providers.tool_ids import new_id

_MOST_CALL_CHARS = 400_000  # longest text that is held back as a tool call
_MOST_LOOKS = 500  # at characters that may begin a call, and at the text before them
_STARTS = re.compile(r"[<\[]")
_MARKER = re.compile(r"<[^>]*>|\[\w+\]")
_QUOTED = frozenset({Role.SYSTEM, Role.USER, Role.TOOL})  # roles whose texts an answer may quote
_COMPLETE = frozenset({Finish.STOP, Finish.TOOL_CALLS})


@dataclass(slots=True)
class _ChoiceText:
    """The text of one choice: the pieces passed on, and the deltas that are held back.

    `is_call`: the held text has the beginning of a tool call, after `lead` characters. `may_call`: one may still come.
    `is_new`: no text has come that rules out a call without any token; `is_bare`: the call is one.
    """

    may_call: bool
    is_new: bool
    is_bare: bool = False
    passed: list[str] = field(default_factory=list)
    held: list[Delta] = field(default_factory=list)
    is_call: bool = False
    has_ended: bool = False
    lead: int = 0
    left_call_chars: int = _MOST_CALL_CHARS
    left_looks: int = _MOST_LOOKS

    @property
    def held_text(self) -> str:
        return "".join([delta.text for delta in self.held])

    def hold(self, deltas: list[Delta]) -> None:
        """Hold deltas back. A short one before them is joined with the first, unless it has log probabilities."""
        if self.held and self.held[-1].logprobs is None and deltas[0].logprobs is None:
            last = self.held.pop()
            deltas = [structs.replace(last, text=last.text + deltas[0].text), *deltas[1:]]
        self.held += deltas

    def release(self, chars: int) -> Iterator[Delta]:
        """Yield the first `chars` characters that are held back. A delta with log probabilities is not divided."""
        held, self.held = self.held, []
        for number, delta in enumerate(held):
            if len(delta.text) > chars:
                cut = chars if delta.logprobs is None else 0
                self.held = [structs.replace(delta, text=delta.text[cut:]), *held[number + 1 :]]
                if cut:
                    self.passed.append(delta.text[:cut])
                    yield structs.replace(delta, text=delta.text[:cut])
                return
            chars -= len(delta.text)
            self.passed.append(delta.text)
            yield delta

    def drop_end(self, chars: int) -> None:
        """Drop the last `chars` characters that are held back."""
        while chars > 0:
            last = self.held.pop()
            if len(last.text) > chars:
                self.held.append(structs.replace(last, text=last.text[:-chars]))
            chars -= len(last.text)


class MarkupLeaks:
    """Changes the chunks of the answer to `request`. Tool calls are looked for only if it has tools.

    Text is held back only from a character on that may begin such markup.
    """

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._has_tools = bool(request.options.tools) and request.options.tool_choice != "none"
        self._choices: dict[int, _ChoiceText] = {}

    @cached_property
    def _calls(self) -> WrittenCalls:
        return WrittenCalls(self._request.options.tools)

    @cached_property
    def _bare_calls(self) -> BareCalls:
        return BareCalls(self._request, self._calls)

    def cleaned(self, chunks: Sequence[Chunk], *, final: bool = False) -> Sequence[Chunk]:
        """Return the chunks without the markup. `final`: none follow. Raises Garbled for a broken tool call."""
        found: list[Chunk] = []
        for chunk in chunks:
            if isinstance(chunk, TextDeltas):
                self._add_texts(chunk, found)
            elif isinstance(chunk, Delta):
                self._add_delta(chunk, found)
            else:
                if isinstance(chunk, Finished) and chunk.index in self._choices:
                    found += self._ended(chunk.index, chunk.finish)
                found.append(chunk)
        if final:
            for index in self._choices:
                found += self._ended(index, Finish.STOP)
        return found

    def _add_texts(self, chunk: TextDeltas, found: list[Chunk]) -> None:
        choice, text = self._choice(chunk.index), "".join(chunk.texts)
        has_start = "<" in text or "[" in text or choice.is_new
        if choice.held:
            found += self._fed(choice, self._deltas(chunk))
        elif has_start and (start := self._markup_from(choice, text)) < len(text):
            choice.held = self._deltas(chunk)
            found += self._released(choice, start)
        else:
            choice.passed += chunk.texts
            found.append(chunk)

    def _deltas(self, chunk: TextDeltas) -> list[Delta]:
        return [Delta(text, chunk.index) for text in chunk.texts]

    def _add_delta(self, delta: Delta, found: list[Chunk]) -> None:
        choice = self._choice(delta.index)
        if delta.tool_calls:
            choice.may_call = choice.is_call = False
        if not delta.text:
            found.append(delta)
        elif delta.tool_calls or delta.is_thinking or delta.is_refusal:
            choice.is_call = False
            found += [*choice.release(len(choice.held_text)), delta]
            choice.passed.append(delta.text)
        elif not (choice.held or choice.is_new or "<" in delta.text or "[" in delta.text):
            choice.passed.append(delta.text)
            found.append(delta)
        else:
            found += self._fed(choice, [delta])

    def _choice(self, index: int) -> _ChoiceText:
        if (choice := self._choices.get(index)) is None:
            choice = self._choices[index] = _ChoiceText(self._has_tools, self._has_tools)
        return choice

    def _fed(self, choice: _ChoiceText, deltas: list[Delta]) -> Iterable[Delta]:
        """Take deltas; return those that can be passed on, or an empty one: it shows that the model is working."""
        if choice.is_call:
            choice.held += deltas
            choice.left_call_chars -= sum(len(delta.text) for delta in deltas)
            choice.is_call = choice.may_call = choice.left_call_chars >= 0
        else:
            choice.hold(deltas)
        if choice.is_call:
            return (Delta("", deltas[0].index),)
        return self._released(choice, self._markup_from(choice, choice.held_text))

    def _released(self, choice: _ChoiceText, start: int) -> Sequence[Delta]:
        """Return the deltas before the markup that begins at `start`, or an empty one."""
        index = choice.held[0].index
        released = list(choice.release(start))
        choice.lead = start - sum(len(delta.text) for delta in released)
        return released or (Delta("", index),)

    def _markup_from(self, choice: _ChoiceText, text: str) -> int:
        """Return where markup begins or may begin in `text`; its length if there is none."""
        start = held_from(text)
        return min(start, self._call_from(choice, text)) if choice.may_call else start

    def _call_from(self, choice: _ChoiceText, text: str) -> int:
        """Return where a tool call begins or may begin; the length of `text` if there is none."""
        if choice.is_new and self._is_bare_from(choice, text):
            return len(text) - len(text.lstrip())
        calls = self._calls
        for start in _STARTS.finditer(text):
            at = start.start()
            if not calls.is_likely(text, at):
                continue
            begins = calls.begins_at(text, at)
            if begins is None:
                return at
            choice.left_looks -= 1
            choice.may_call = choice.left_looks > 0
            if not choice.may_call:
                break
            if begins and not is_in_code("".join(choice.passed) + text[:at]):
                choice.is_call = True
                return at
        return len(text)

    def _is_bare_from(self, choice: _ChoiceText, text: str) -> bool:
        """Return whether the answer begins with a call without any token, or may do so."""
        begun = text.lstrip()
        if not begun:
            return False
        begins = self._bare_calls.begins(begun) if begun[0] in SIGNS else False
        choice.is_new, choice.is_call = begins is None, bool(begins)
        choice.is_bare = choice.is_call
        return begins is not False

    def _ended(self, index: int, finish: Finish) -> Iterator[Delta]:
        """Yield all that is held back at the end of a choice: without end tokens, and a tool call as such.

        Raises Garbled for a broken tool call, and for a text that came more than once.
        """
        choice = self._choices[index]
        if not choice.has_ended and is_repeated(choice.passed):
            raise Garbled("a text that came more than once")
        choice.has_ended = True
        if not choice.held:
            return
        text = choice.held_text
        kept, tokens = end_tokens_at(text)
        called, choice.is_call = choice.is_call and finish in _COMPLETE, False
        call = self._called(choice, text[choice.lead : kept], index) if called else None
        if call is not None:
            kept = choice.lead
        elif tokens and self._belongs("".join(choice.passed) + text[:kept], tokens):
            kept = len(text)
        choice.drop_end(len(text) - kept)
        yield from choice.release(kept)
        if call is not None:
            yield call

    def _called(self, choice: _ChoiceText, text: str, index: int) -> Delta | None:
        """Return the tool calls that `text` consists of; None if it is text. Raises Garbled for broken ones."""
        calls = self._bare_calls.read(text) if choice.is_bare else self._marked_calls(text)
        pieces = (ToolCallDelta(at, new_id(), call.name, call.arguments) for at, call in enumerate(calls))
        return Delta("", index, tuple(pieces)) if calls else None

    def _marked_calls(self, text: str) -> list[WrittenCall]:
        marker = _MARKER.match(text)
        if marker and self._is_asked_about({marker.group()}, {Role.USER}):
            return []
        try:
            return self._calls.read(text)
        except NoCall as error:
            if self._calls.is_broken(text):
                raise Garbled("a broken tool call within the text") from error
            return []

    def _belongs(self, before: str, tokens: frozenset[str]) -> bool:
        """Return whether end tokens are a part of the answer: it or the request is about them."""
        if is_about_tokens(before, tokens):
            return True
        return self._is_asked_about(tokens, _QUOTED)

    def _is_asked_about(self, markers: Iterable[str], roles: Container[Role]) -> bool:
        texts = [message.text for message in self._request.messages if message.role in roles]
        return any(marker in text for text in texts for marker in markers)
