"""The stream of OpenAI's chat completions."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.chat import Chunk, Delta, Finish, Finished, Served, TextDeltas
from engine.errors import Garbled, Overloaded, StreamCut
from engine.providers.dialects.adapter import json_object
from engine.providers.errors.details import failure_in, in_exception, reports_failure
from engine.providers.refusals import refusal
from engine.providers.spec import Spec
from engine.providers.sse import Frame, is_heartbeat
from engine.providers.streams.answer_reading import StreamReader
from engine.providers.streams.calls.signed_calls import SignedToolCalls, signs_calls
from engine.providers.streams.endings import (
    UsageCounts,
    count_of,
    finish_of,
    in_snake_case,
    is_listed,
    is_reason,
    reason_of,
)
from engine.providers.streams.glued_frames import frames_in
from engine.providers.streams.listed import listed, within_envelope
from engine.providers.streams.openai_choice import OpenAIChoice, is_half
from engine.providers.streams.openai_usage import billed_usd, plain_usage, reports_in, usage_of
from engine.providers.streams.plain_chunks import PlainChoice, PlainChunk, plain_chunk
from engine.providers.streams.think_tags import ThinkingHabits
from engine.providers.text_template import TextTemplate

_MOST_CHOICES = 128
_MOST_LOGPROBS_CHARS = 16_000_000  # largest size of the frames with logprobs; later ones are left out
_NOT_PLAIN = ("finish_reason", "logprobs", "message", "usage", "error")  # keys of a choice that is more than text
_PLAIN = frozenset({"content", "role"})  # keys of a delta that is only text
_REASONS = ("finish_reason", "finishReason", "done_reason")  # some servers name it beside the choices
_END_MARKERS = {"[DONE]", "DONE", '"[DONE]"'}


class OpenAIStreamReader(StreamReader):
    """Reads a stream of chat completion chunks, or one complete answer, of `model`.

    `one_choice`: one choice was requested, so that each choice without an index is the first: some servers split it in
    two.
    """

    def __init__(
        self, spec: Spec, model: str, habits: ThinkingHabits, *, has_stop_sequences: bool, one_choice: bool = False
    ) -> None:
        self._spec, self._has_stop_sequences = spec, has_stop_sequences
        self._asked, self._habits, self._one_choice = model, habits, one_choice
        self._choices: dict[int, OpenAIChoice] = {}
        self._model = ""
        self._counts = UsageCounts(("prompt_tokens", "completion_tokens"), "total_tokens")
        self._cost_usd: Decimal | None = None
        self._has_usage = False
        self._left_logprobs_chars = _MOST_LOGPROBS_CHARS
        self._template = TextTemplate()
        self._template_choice: OpenAIChoice | None = None

    def read(self, frame: Frame) -> list[Chunk]:
        if (plain := plain_chunk(frame)) is not None and (quick := self._read_plain(plain, frame.data)) is not None:
            return quick
        self._template.forget()
        if frame.data[:1] != "{" and (self._is_marker(frame.data.strip()) or is_heartbeat(frame)):
            return []
        try:
            data = json_object(frame)
        except Garbled:
            if len(frames := frames_in(frame.data)) > 1:
                return self.read_each(frame.event, frames)
            if self.has_finished:  # the usage may still follow
                return []
            raise
        if "choices" not in data:
            data = within_envelope(data)
        groq = _object(data.get("x_groq"))
        if groq.get("error") or reports_failure(data, frame.event):
            raise refusal(None, in_exception(data, frame.event), {})
        if (text := self._plain_text(data)) is not None:
            return [text]
        found = self._served(data.get("model"))
        found += self._deltas(data, len(frame.data))
        return found + self._usage(data, groq, frame)

    @property
    def awaits_usage(self) -> bool:
        return self.has_finished and not self._has_usage

    def read_usage(self, frame: Frame) -> list[Chunk]:
        data = json_object(frame)
        return self._usage(data, _object(data.get("x_groq")), frame)

    @property
    def runs(self) -> TextTemplate:
        return self._template

    def read_texts(self, texts: list[str]) -> TextDeltas:
        choice = self._template_choice
        assert choice is not None
        choice.add_plain(texts)
        return TextDeltas(texts, choice.index)

    def end(self) -> list[Chunk]:
        """Return what is left of each choice. Raises StreamCut for a choice that ends in the middle of a call."""
        found: list[Chunk] = []
        for choice in self._choices.values():
            found += choice.rest()
            if not choice.has_finished and choice.calls.is_cut:
                raise StreamCut("a tool call without an end")
            if self.is_json and choice.is_message and not choice.has_finished:
                found.append(self._finished("stop", {}, choice))
            if choice.has_text:
                self._habits.observe(self._asked, unopened=choice.tags.was_unopened)
        return found

    def _read_plain(self, chunk: PlainChunk, data: str) -> list[Chunk] | None:
        """Read a plain chunk, faster than `read` does. None: the chunk may not be plain."""
        if chunk.usage and self._spec.reports_cost:
            return None
        if not chunk.choices:
            self._template.forget()
            return self._served(chunk.model) + self._counted(chunk.usage)
        body = chunk.choices[0]
        choice, text = self._choice(body.index), body.delta.content
        if choice is None or choice.half or (text and body.finish_reason):
            return None
        if not choice.tags.is_over or not text or chunk.usage or (chunk.model or self._model) != self._model:
            return self._read_edge(choice, chunk, body, data)
        self._learn(choice, data, text)
        return [choice.plain(text)]

    def _read_edge(self, choice: OpenAIChoice, chunk: PlainChunk, body: PlainChoice, data: str) -> list[Chunk]:
        """Return the chunks of a plain chunk at the start or end of a choice, or with usage."""
        self._template.forget()
        found = self._served(chunk.model)
        if text := body.delta.content:
            found += choice.text(text)
            if choice.tags.is_over and not chunk.usage:
                self._learn(choice, data, text)
        if body.finish_reason is not None and is_reason(body.finish_reason):
            found += choice.rest()
            found.append(self._finished(body.finish_reason, {}, choice))
        return found + self._counted(chunk.usage)

    def _learn(self, choice: OpenAIChoice, data: str, text: str) -> None:
        """Read the next frames with the same JSON around their text in runs: all their text belongs to the answer."""
        if not self._template.is_known:
            self._template.learn(data, text)
            self._template_choice = choice

    def _plain_text(self, data: Mapping[str, Any]) -> Delta | None:
        """Return the delta of a chunk that has only text, as most have; None for any other chunk. It saves time."""
        choices = data.get("choices")
        if not isinstance(choices, list) or len(choices) != 1 or (data.get("model") or "") != self._model:
            return None
        body = choices[0]
        if data.get("usage") or data.get("x_groq") or not isinstance(body, dict) or any(map(body.get, _NOT_PLAIN)):
            return None
        delta, index = body.get("delta"), body.get("index", 0)
        choice = self._choices.get(index) if type(index) is int else None
        if choice is None or not choice.tags.is_over or not isinstance(delta, dict):
            return None
        text = delta.get("content")
        if not isinstance(text, str) or not text or choice.half or is_half(text[-1]):
            return None
        if len(delta) > 1 and any(value for name, value in delta.items() if name not in _PLAIN):
            return None
        return Delta(choice.plain_text(text), choice.index)

    def _is_marker(self, text: str) -> bool:
        """Return whether `text` is an end marker, or empty."""
        self.has_ended = text.upper() in _END_MARKERS
        return self.has_ended or not text

    def _served(self, model: object) -> list[Chunk]:
        if not isinstance(model, str) or not model or model == self._model:
            return []
        self._model = model
        return [Served(model)]

    def _deltas(self, data: Mapping[str, Any], chars: int) -> list[Chunk]:
        found: list[Chunk] = []
        choices = listed(data.get("choices"))
        if max(len(choices), len(self._choices)) > _MOST_CHOICES:
            raise Garbled(f"over {_MOST_CHOICES} choices")
        reason_beside = reason_of(data) if any(map(data.get, _REASONS)) else ""
        for place, body in enumerate(choices):
            if failed := failure_in(body):
                raise refusal(None, failed, {})
            index = max(0, count_of(body.get("index", 0 if self._one_choice else place)))
            choice = self._choices.get(index) or self._new_choice(index)
            reason = reason_of(body) or reason_beside
            found += choice.take(body, self._logprobs(body, chars), at_end=bool(reason))
            if reason:
                found += choice.rest()
                found.append(self._finished(reason, body, choice))
        return found if choices or not reason_beside else [*found, *self._ended_beside(reason_beside)]

    def _ended_beside(self, reason: str) -> list[Chunk]:
        """End the choices that are open, for a reason that a frame without choices gives."""
        found: list[Chunk] = []
        for choice in self._choices.values():
            if not choice.has_finished:
                found += [*choice.rest(), self._finished(reason, {}, choice)]
        return found

    def _choice(self, index: int) -> OpenAIChoice | None:
        """Return the choice of a plain chunk; None if there may be too many."""
        found = self._choices.get(index)
        return found if found or len(self._choices) >= _MOST_CHOICES else self._new_choice(index)

    def _new_choice(self, index: int) -> OpenAIChoice:
        choice = self._choices[index] = OpenAIChoice(index, waits=self._habits.is_expected(self._asked))
        if signs_calls(self._spec, self._asked):
            choice.calls = SignedToolCalls()
        return choice

    def _logprobs(self, body: Mapping[str, Any], chars: int) -> Mapping[str, object] | None:
        found = body.get("logprobs")
        if not isinstance(found, dict):
            return None
        kept = {name: found[name] for name in ("content", "refusal") if isinstance(found.get(name), list)}
        self._left_logprobs_chars -= chars
        return {"content": None, "refusal": None, **kept} if kept and self._left_logprobs_chars >= 0 else None

    def _finished(self, reason: str, body: Mapping[str, Any], choice: OpenAIChoice) -> Finished:
        """Return the end of a choice. Raises Overloaded if it is a failure.

        A reseller's `native_finish_reason` is used if the reseller says `stop` for an answer that was cut or refused.
        """
        finish, native = finish_of(reason), body.get("native_finish_reason")
        if finish is Finish.STOP and is_listed(native) and finish_of(str(native)) is not Finish.TOOL_CALLS:
            finish = finish_of(str(native))
        if finish is None:
            raise Overloaded(f"finish reason {reason[:100]}")
        if choice.calls.is_cut and finish is not Finish.REFUSED:
            finish = Finish.LENGTH
        self.has_finished = choice.has_finished = True
        at_stop_sequence = reason.strip().lower() == "stop" and self._has_stop_sequences
        return Finished(finish, choice.index, at_stop_sequence=at_stop_sequence)

    def _counted(self, report: Mapping[str, Any] | None) -> list[Chunk]:
        """Return the usage after the report of a plain chunk, if it has one."""
        if not report:
            return []
        self._has_usage = True
        plain = plain_usage(report) if self._counts.is_empty else None
        self._counts.add(in_snake_case(report))
        return [plain or usage_of(self._counts)]

    def _usage(self, data: Mapping[str, Any], groq: Mapping[str, Any], frame: Frame) -> list[Chunk]:
        added = [self._counts.add(report) for report in reports_in(data, groq)]
        if not any(added):
            return []
        self._has_usage = True
        if self._spec.reports_cost:
            self._cost_usd = billed_usd(frame) or self._cost_usd
        return [usage_of(self._counts, self._cost_usd)]


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
