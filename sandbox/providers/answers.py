"""Texts with which stand-ins answer: they name the stand-in and contain each kind of formatting."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.providers.exchange import ParsedRequest, StandInAnswer, StandInToolCall, count
from sandbox.providers.ready_answers import ready_answer
from sandbox.providers.schemas import sample
from sandbox.providers.wording import Wording, wording

SHORT_PROMPT_CHARS = 12
QUOTED_CHARS = 160

_JSON = "I am the stand-in for {name} in Farthing's sandbox."
_THOUGHT = "I am asked something. I am a stand-in, so I shall say so, and show what an answer can look like."
REFUSAL = "I can't help with that. (The stand-in for {name} in Farthing's sandbox.)"
_WORD = re.compile(r"\S+\s*|\s+")


def answer(title: str, asked: ParsedRequest) -> StandInAnswer:
    """Return the answer of the stand-in called `title`, always the same for the same request.

    The output limit includes the thoughts.
    """
    thought = _cut(_THOUGHT, asked.most) if asked.thinks else ""
    left = asked.most - count(thought)
    if asked.tool is not None:
        return (
            StandInAnswer("", thought, asked.tool, "tool") if left > 0 else StandInAnswer("", thought, finish="length")
        )
    text, stopped_by = _stopped(_text(title, asked), asked.stop)
    kept = _cut(text, left)
    if kept != text:
        return StandInAnswer(kept, thought, finish="length")
    return StandInAnswer(text, thought, stopped_by=stopped_by)


def words(text: str) -> Iterator[str]:
    """Yield the text word by word. The pieces joined give the text."""
    return (found[0] for found in _WORD.finditer(text))


def logprobs(asked: ParsedRequest, text: str | None) -> dict[str, Any] | None:
    """Return log probabilities by word in OpenAI's format, each word its only alternative; None if not asked for."""
    if asked.top_logprobs is None or not text:
        return None
    tokens = [{"token": word, "logprob": -0.1, "bytes": list(word.encode())} for word in words(text)]
    return {"content": [{**each, "top_logprobs": [each][: asked.top_logprobs]} for each in tokens], "refusal": None}


def chosen_tool(
    tools: Mapping[str, Mapping[str, Any]], wanted: str | None, prompt: str, *, must: bool
) -> StandInToolCall | None:
    """Return a call of the named tool, else of the first one if a call is required or the prompt names a tool."""
    name = wanted if wanted in tools else next(iter(tools), None)
    if name is None:
        return None
    is_mentioned = name.lower() in prompt.lower() or re.search(r"\btool", prompt, re.IGNORECASE)
    if not (must or wanted or is_mentioned):
        return None
    arguments = sample({"type": "object", **tools[name]}, " ".join(prompt.split())[:80])
    return StandInToolCall(name, arguments if isinstance(arguments, dict) else {})


def _text(title: str, asked: ParsedRequest) -> str:
    texts = wording(asked.prompt)
    called = None
    if asked.tool_result is not None:
        called = texts.called.format(name=title, result=_quoted(asked.tool_result))
    if asked.wants_json or asked.schema:
        says = called or _JSON.format(name=title)
        fitting = sample(asked.schema, says) if asked.schema else {"answer": says, "prompt": _quoted(asked.prompt)}
        return json.dumps(fitting, ensure_ascii=False)
    if called:
        return called
    ready = ready_answer(title, asked.prompt) if not asked.images else None
    return ready if ready is not None else _said(title, asked, texts)


def _said(title: str, asked: ParsedRequest, texts: Wording) -> str:
    """Return the answer that shows each kind of formatting, or a short one to a short prompt."""
    template = texts.short if len(asked.prompt) <= SHORT_PROMPT_CHARS and not asked.images else texts.long
    turn = texts.turn.format(n=asked.turns) if asked.turns > 1 else ""
    said = template.format(name=title, turn=turn, prompt=_quoted(asked.prompt))
    if not asked.images:
        return said
    return f"{said}\n{(texts.one_picture if asked.images == 1 else texts.pictures).format(n=asked.images)}"


def _quoted(text: str) -> str:
    """Return the text on one line, shortened for a quotation."""
    line = " ".join(text.split())
    return line[:QUOTED_CHARS] + ("…" if len(line) > QUOTED_CHARS else "")


def _stopped(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    at, stop = min(((text.find(stop), stop) for stop in stops if stop and stop in text), default=(-1, None))
    return (text, None) if at < 0 else (text[:at], stop)


def _cut(text: str, most_tokens: int) -> str:
    """Return at most `most_tokens` of the text, without cutting a character."""
    return text.encode()[: max(0, most_tokens) * 4].decode(errors="ignore")
