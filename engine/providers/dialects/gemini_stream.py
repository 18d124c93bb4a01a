"""The stream of Gemini's streamGenerateContent."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from engine.chat import Chunk, Delta, Finish, Finished, Served, TextDeltas, Usage
from engine.errors import Garbled, KeyRefused, Overloaded
from engine.providers.dialects.adapter import compact_json, integer, json_object
from engine.providers.errors.details import reports_failure
from engine.providers.leaks.repeated_texts import LEAST_REPEATED_CHARS
from engine.providers.refusals import refusal
from engine.providers.sse import Frame, is_heartbeat
from engine.providers.streams.answer_reading import StreamReader
from engine.providers.streams.calls.streamed_call import CallPiece
from engine.providers.streams.calls.tool_calls import ToolCalls
from engine.providers.streams.endings import UsageCounts, finish_of, is_reason, reconciled
from engine.providers.streams.glued_frames import frames_in
from engine.providers.streams.listed import listed
from engine.providers.streams.openai_parts import MOST_PARTS
from engine.providers.text_template import RunReader

_ACCOUNT_DISABLED = "PUP_LIMITED_DISABLED"  # the account may no longer use the model, and its owner must act
_SNAKE = re.compile(r'"(?:finish_reason|usage_metadata|function_call|prompt_feedback|model_version)"')
_UNDERSCORE = re.compile(r"_([a-z])")
_COUNTS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
_MOST_CANDIDATES = 128
_REASONS = dict(
    enumerate(
        (
            *("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
            *("MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL"),
        )
    )
)
"""The names of finish reasons by their numbers, which some proxies send."""
_NOT_BLOCKED = (None, "", "BLOCK_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED")


class _TextPart(Struct, forbid_unknown_fields=True):
    text: str


class _TextContent(Struct, forbid_unknown_fields=True):
    parts: tuple[_TextPart]
    role: str = ""


class _TextCandidate(Struct, forbid_unknown_fields=True):
    content: _TextContent
    index: Annotated[int, msgspec.Meta(ge=0)] = 0


class _TextFrame(Struct, forbid_unknown_fields=True):
    """A frame with one text and nothing else, as nearly all are. Decoding it takes a third of the time of a dict's."""

    candidates: tuple[_TextCandidate]
    usageMetadata: dict[str, Any] | None = None  # noqa: N815 - the field's name
    modelVersion: str = ""  # noqa: N815
    responseId: str = ""  # noqa: N815


_decode_text_frames = msgspec.json.Decoder(_TextFrame).decode_lines
_MOST_ATTEMPTS = 16  # reads with frames of another form, in a stream without any frame of this one
_MOST_RUN_CHARS = 200_000  # shorter frames can't have too many values
_BETWEEN_FRAMES = "\n\ndata: "


class _TextRuns:
    """Reads the texts of consecutive frames, and counts their usage."""

    def __init__(self, counts: UsageCounts) -> None:
        self._counts = counts
        self._attempts_left = _MOST_ATTEMPTS
        self.model = ""
        self.has_usage = False

    @property
    def is_known(self) -> bool:
        return bool(self.model) and self._attempts_left > 0

    def take(self, text: str, begin: int) -> tuple[list[str], int]:
        end = text.rfind("\n\n", begin)
        if not begin < end < begin + _MOST_RUN_CHARS or not text.startswith("data: {", begin):
            return [], begin
        if (found := self._texts(text, begin, end)) is not None:
            return found, end + 2
        last = text.rfind(_BETWEEN_FRAMES, begin, end)  # the frame with the end of the answer
        if last > 0 and (found := self._texts(text, begin, last)) is not None:
            return found, last + 2
        self._attempts_left -= 1
        return [], begin

    def _texts(self, text: str, begin: int, end: int) -> list[str] | None:
        """Return the texts of the frames in this part; None if it has a frame of another form."""
        lines = text[begin + len("data: ") : end].replace(_BETWEEN_FRAMES, "\n")
        try:
            frames = _decode_text_frames(lines)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            return None
        texts = [frame.candidates[0].content.parts[0].text for frame in frames]
        models, indexes = {each.modelVersion for each in frames}, {each.candidates[0].index for each in frames}
        if "" in texts or models != {self.model} or indexes != {0}:
            return None
        self._attempts_left = _MOST_ATTEMPTS
        self.has_usage = self._counts.add_all([each.usageMetadata for each in frames]) or self.has_usage
        return texts


class GeminiStreamReader(StreamReader):
    """Reads a stream of GenerateContentResponses."""

    def __init__(self, *, has_stop_sequences: bool) -> None:
        self._has_stop_sequences = has_stop_sequences
        self._calls: dict[int, ToolCalls] = {}
        self._parts = 0
        self._said: list[str] = []  # the texts of the first candidate: the last frame may repeat them
        self._counts = UsageCounts(_COUNTS, "totalTokenCount")
        self._runs = _TextRuns(self._counts)

    @property
    def runs(self) -> RunReader:
        return self._runs

    def read(self, frame: Frame) -> list[Chunk]:
        # some proxies send OpenAI's end marker
        if frame.data[:1] != "{" and (frame.data.strip() == "[DONE]" or is_heartbeat(frame)):
            return []
        try:
            data = json_object(frame)
        except Garbled:
            if len(frames := frames_in(frame.data)) > 1:
                return self.read_each(frame.event, frames)
            if self.has_finished:
                return []
            raise
        if isinstance(data.get("response"), dict):  # Code Assist
            data = data["response"]
        if data.get("error"):
            raise refusal(None, data, {})
        return self._chunks(in_camel_case(data) if _SNAKE.search(frame.data) else data)

    def _chunks(self, data: Mapping[str, Any]) -> list[Chunk]:
        found: list[Chunk] = []
        model = data.get("modelVersion")
        if isinstance(model, str) and model != self._runs.model:
            self._runs.model = model
            found.append(Served(model))
        if (data.get("promptFeedback") or {}).get("blockReason") not in _NOT_BLOCKED:
            self.has_finished = True
            found.append(Finished(Finish.REFUSED))
        candidates = _without_nulls(data.get("candidates"))
        if max(len(candidates), len(self._calls)) > _MOST_CANDIDATES:
            raise Garbled(f"over {_MOST_CANDIDATES} candidates")
        if not candidates and reports_failure(data):
            raise refusal(None, data, {})
        reports = [data.get("usageMetadata")]
        for candidate in candidates:
            found += self._candidate(candidate)
            reports.insert(0, candidate.get("usageMetadata"))
        if not candidates and is_reason(data.get("finishReason")):  # a proxy that names it beside the candidates
            found.append(self._finished(str(data["finishReason"]), 0))
        for report in reports:
            self._runs.has_usage = self._counts.add(report) or self._runs.has_usage
        return found

    def read_texts(self, texts: list[str]) -> TextDeltas:
        self._said += texts
        return TextDeltas(texts)

    def read_usage(self, frame: Frame) -> list[Chunk]:
        data = json_object(frame)
        return [usage_of(self._counts)] if self._counts.add(data.get("usageMetadata")) else []

    def take_usage(self) -> Sequence[Chunk]:
        """Return the usage once for each network read: each frame reports it."""
        had_usage, self._runs.has_usage = self._runs.has_usage, False
        return (usage_of(self._counts),) if had_usage else ()

    def _candidate(self, candidate: Mapping[str, Any]) -> list[Chunk]:
        index = integer(candidate.get("index"))
        parts = _parts_of(candidate.get("content"))
        if len(parts) > MOST_PARTS:
            raise Garbled(f"over {MOST_PARTS} parts")
        reason = candidate.get("finishReason")
        reason = _REASONS.get(reason, "") if type(reason) is int else reason
        found: list[Chunk] = [delta for part in parts for delta in self._deltas(part, index)]
        if not index:
            texts = [delta.text for delta in found if isinstance(delta, Delta) and delta.text]
            if is_reason(reason) and self._has_come(texts):
                found = [delta for delta in found if not (isinstance(delta, Delta) and delta.text)]
            self._said += texts
        if is_reason(reason):
            if index in self._calls and (rest := self._calls[index].end()):
                found.append(Delta("", index, tuple(rest)))
            found.append(self._finished(str(reason), index))
        return found

    def _has_come(self, texts: list[str]) -> bool:
        """Return whether the last frame repeats all texts before it, as some proxies send it."""
        chars = sum(map(len, texts))
        if chars < LEAST_REPEATED_CHARS or len(self._said) <= 1 or chars != sum(map(len, self._said)):
            return False
        return "".join(texts) == "".join(self._said)

    def end(self) -> list[Chunk]:
        rests = ((index, calls.end()) for index, calls in self._calls.items())
        return [Delta("", index, tuple(rest)) for index, rest in rests if rest]

    def _deltas(self, part: Mapping[str, Any], index: int) -> Iterator[Delta]:
        """Yield the text and the call of one part; a part may have both."""
        text = part.get("text")
        if isinstance(text, str) and text:
            yield Delta("", index, (), text) if part.get("thought") else Delta(text, index)
        if call := part.get("functionCall"):
            yield Delta("", index, tuple(self._call(call, str(part.get("thoughtSignature") or ""), index)))

    def _call(self, call: Mapping[str, Any], signature: str, index: int) -> list[Any]:
        """Return the deltas of one call, which arrives complete.

        Its id contains the signature that must be sent back.
        """
        self._parts += 1
        calls = self._calls.setdefault(index, ToolCalls())
        if call.get("partialArgs") or call.get("willContinue"):
            raise Garbled("the arguments of a call in pieces, which no request asks for")
        arguments = call.get("args")
        text = arguments if isinstance(arguments, str) else compact_json(arguments or {})
        id_, name = str(call.get("id") or ""), str(call.get("name") or "")
        return calls.take([CallPiece(self._parts, id_, name, text or "{}", signature)])

    def _finished(self, reason: str, index: int) -> Finished:
        """Return the end of a candidate. Raises KeyRefused or Overloaded if it is a failure."""
        if reason == _ACCOUNT_DISABLED:
            raise KeyRefused(f"finish reason {reason}")
        finish = finish_of(reason)
        if finish is None:
            raise Overloaded(f"finish reason {reason[:100]}")
        self.has_finished = True
        if finish is Finish.STOP and index in self._calls:
            finish = Finish.TOOL_CALLS
        return Finished(finish, index, at_stop_sequence=reason == "STOP" and self._has_stop_sequences)


def _parts_of(content: Any) -> Sequence[Any]:
    """Return the parts of a content, which some proxies send as a list of contents, or as a text."""
    if isinstance(content, str):
        return [{"text": content}]
    contents = (content,) if isinstance(content, dict) and "parts" in content else listed(content)
    found = [part for each in contents for part in _without_nulls(each.get("parts"))]
    return [{"text": part} if isinstance(part, str) else part for part in found]


def _without_nulls(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list) and None not in found else listed(found)


def in_camel_case(found: Any) -> Any:
    """Return a frame of a proxy in Python, whose names have underscores, with those of the API."""
    if isinstance(found, list):
        return [in_camel_case(each) for each in found]
    if not isinstance(found, dict):
        return found
    names = ((name, _UNDERSCORE.sub(lambda letter: letter[1].upper(), name)) for name in found)
    return {new: found[name] if name == "args" else in_camel_case(found[name]) for name, new in names}


def usage_of(counts: UsageCounts) -> Usage:
    """Read usage, in which thinking is not part of the candidates' count.

    If the parts and the total disagree, the larger number is used: the last report may lack the candidates.
    """
    first = counts.first
    prompt, thoughts = first("promptTokenCount") + first("toolUsePromptTokenCount"), first("thoughtsTokenCount")
    output, is_disputed = reconciled(prompt, first("candidatesTokenCount") + thoughts, first("totalTokenCount"))
    cached = first("cachedContentTokenCount")
    if cached > prompt >= 0:
        cached, is_disputed = 0, True
    return Usage(prompt, output, cached, 0, thoughts, is_disputed=is_disputed)
