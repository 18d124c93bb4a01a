"""ThinkTags: separates the answer from reasoning that a model writes between tags in its text."""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from engine.catalog.thinking import is_thinking_model

_MOST_HELD_CHARS = 400_000  # longest text that is held back while waiting for a closing tag
_MOST_BLANK_CHARS = 10_000  # longest whitespace before the text
_OF_GPT_OSS = "<|channel|>analysis<|message|>"
_PAIRS = (
    ("<think>", "</think>"),
    ("<thought>", "</thought>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("◁think▷", "◁/think▷"),  # Kimi
    (_OF_GPT_OSS, "<|end|><|start|>assistant<|channel|>final<|message|>"),  # gpt-oss, unparsed
    ("<|start|>assistant" + _OF_GPT_OSS, "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("<|channel>thought\n", "<channel|>"),  # Gemma 4, unparsed
    ("<unused94>thought\n", "<unused95>"),  # MedGemma
    ("<mm:think>", "</mm:think>"),  # MiniMax
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, OpenThinker
    ("<|open|>think<|sep|>", "<|close|>think<|sep|>"),  # Kimi K3
)
# the beginning of the answer after a closing tag that begins a tool call of gpt-oss, unparsed
_CALLS = {
    "<|end|><|start|>assistant<|channel|>commentary to=functions.": "<|channel|>commentary to=functions.",
    "<|end|><|start|>assistant to=functions.": "<|start|>assistant to=functions.",
}
_BEFORE_ANSWER = (
    "<|channel|>final<|message|>",  # gpt-oss without reasoning, unparsed
    *("<|START_RESPONSE|>", "<|START_TEXT|>"),  # Command A
    "<|open|>response<|sep|>",  # Kimi K3
)
_SIGNS = frozenset(token[0] for token in (*_BEFORE_ANSWER, *(opening for opening, _ in _PAIRS)))
_TAG = re.compile("|".join(re.escape(tag) for pair in (*_PAIRS, _CALLS) for tag in pair))
_TAG_CHARS = max(len(tag) for pair in _PAIRS for tag in pair)
_UNOPENED = re.compile(r"(?<![`\"'])(?:</think>|\[/THINK\])(?![`\"'])")


class TaggedText(NamedTuple):
    text: str
    is_thinking: bool


class _State(Enum):
    START = 1  # so far only whitespace, or a part of the opening tag
    WAITING = 2  # the model probably thinks without an opening tag: its text is held back
    THINKING = 3
    ANSWER = 4


class ThinkTags:
    """Splits the text of one choice, which may be cut into pieces anywhere. Only tags at the start of the text count.

    `waits`: the text is held back until a closing tag or the end; for models whose prompt contains the opening tag.
    Nested tags belong to the reasoning. If a tag is never closed, the text after the last closing tag is the answer.
    """

    def __init__(self, *, waits: bool = False) -> None:
        self._state, self._waits = _State.START, waits
        self._open, self._close = _PAIRS[0]
        self._held: list[str] = []
        self._held_chars = 0
        self._recent = ""  # the last part of the text that is held back
        self._tail = ""  # the last part of a piece, if it may be the start of a tag
        self._depth = 0
        self._blanks: str | None = None  # whitespace that is passed on only if text follows; None: at the start
        self.was_unopened = False

    @property
    def is_over(self) -> bool:
        """True if all further text is part of the answer."""
        return self._state is _State.ANSWER and self._blanks is None

    def feed(self, text: str) -> list[TaggedText]:
        """Return the parts whose kind is known after `text`."""
        if self._state is _State.ANSWER:
            return self._answer(text)
        if self._state is _State.THINKING:
            return self._thinking(text)
        self._held.append(text)
        self._held_chars += len(text)
        return self._begin() if self._state is _State.START else self._wait(text)

    def stop_waiting(self) -> list[TaggedText]:
        """Return the text that was held back: the server sends reasoning separately, so all text is the answer."""
        self._waits = False
        return self.end() if self._state is _State.WAITING else []

    def end(self) -> list[TaggedText]:
        """Return the rest. All further text is part of the answer."""
        state, is_closed, rest = self._state, self._is_closed, "".join(self._held) + self._tail
        self._state, self._held, self._tail, self._held_chars = _State.ANSWER, [], "", 0
        if state is not _State.THINKING:
            found = _pieces(rest)
        else:
            found = _pieces(rest.removeprefix(self._close).lstrip()) if is_closed else self._thought(rest)
        self._blanks = None
        return found

    # --- before it is known whether the model thinks ---------------------------------------------------

    def _begin(self) -> list[TaggedText]:
        text = "".join(self._held)
        begun = text.lstrip()
        if begun[:1] in _SIGNS or not begun:
            if begun.startswith(_BEFORE_ANSWER):
                self._held = [_without_token(begun)]
                return self.end()
            for opening, closing in _PAIRS:
                if begun.startswith(opening):
                    self._open, self._close, self._state = opening, closing, _State.THINKING
                    self._held, self._held_chars, self._depth = [], 0, 1
                    return self._thinking(begun[len(opening) :])
            if self._held_chars <= _MOST_BLANK_CHARS and _may_become_token(begun):
                return []
        if self._waits:
            self._state = _State.WAITING
        return self._unopened(text) or ([] if self._waits else self.end())

    def _wait(self, text: str) -> list[TaggedText]:
        end = self._recent + text
        if any(closing in end for _, closing in _PAIRS):
            return self._unopened("".join(self._held)) or self.end()
        if self._held_chars > _MOST_HELD_CHARS:
            return self.end()
        self._recent = end[-_TAG_CHARS:]
        return []

    def _unopened(self, text: str) -> list[TaggedText]:
        """Split a text with a closing tag but no opening tag; return an empty list if it has no closing tag."""
        thinking, answer = split_unopened(text)
        if not thinking:
            return []
        self.end()
        self.was_unopened, self._blanks = True, ""
        return [*_pieces(thinking, is_thinking=True), *self._answer(answer)]

    # --- within the reasoning, and after it ----------------------------------------------------------

    @property
    def _is_closed(self) -> bool:
        """True if a nested tag is open, and text after a closing tag is held back."""
        return bool(self._held)

    def _thinking(self, text: str) -> list[TaggedText]:
        text, self._tail = self._tail + text, ""
        found: list[TaggedText] = []
        at = 0
        for tag in _TAG.finditer(text):
            if tag.group() not in self._tags:
                continue
            found += self._inner(text[at : tag.start()])
            at = tag.end()
            if tag.group() in _CALLS:
                return [*found, *self._closed(_CALLS[tag.group()] + text[at:])]
            self._depth += 1 if tag.group() == self._open else -1
            if not self._depth:
                return [*found, *self._closed(text[at:])]
            if tag.group() == self._close:
                found += self._thought("".join(self._held))
                self._held = [tag.group()]
            else:
                found += self._inner(tag.group())
        rest = text[at:]
        cut = _beginning_of_a_tag(rest, self._tags)
        self._tail = rest[len(rest) - cut :]
        return [*found, *self._inner(rest[: len(rest) - cut])]

    @property
    def _tags(self) -> tuple[str, ...]:
        return (self._open, self._close, *(_CALLS if self._open.endswith(_OF_GPT_OSS) else ()))

    def _closed(self, answer: str) -> list[TaggedText]:
        """Return the end of the reasoning, and the beginning of the answer."""
        thought = self._thought("".join(self._held))
        self._state, self._held, self._blanks = _State.ANSWER, [], ""
        return [*thought, *self._answer(answer)]

    def _inner(self, text: str) -> list[TaggedText]:
        if self._is_closed:
            self._held.append(text)
            return []
        return self._thought(text)

    def _thought(self, text: str) -> list[TaggedText]:
        """Return the pieces of reasoning, without whitespace around it."""
        if self._blanks is None:
            text = text.lstrip()
        shown = text.rstrip()
        if not shown:
            if self._blanks is not None:
                self._blanks += text
            return []
        before, self._blanks = self._blanks or "", text[len(shown) :]
        return [TaggedText(before + shown, is_thinking=True)]

    def _answer(self, text: str) -> list[TaggedText]:
        if self._blanks is not None:
            text, self._tail = (self._tail + text).lstrip(), ""
            if text[:1] in _SIGNS and any(token.startswith(text) for token in _BEFORE_ANSWER):
                self._tail = text
                return []
            text = _without_token(text).lstrip()
            if text:
                self._blanks = None
        return _pieces(text)


def _without_token(text: str) -> str:
    """Return a text without the token that begins the answer."""
    return next((text[len(token) :] for token in _BEFORE_ANSWER if text.startswith(token)), text)


def _may_become_token(begun: str) -> bool:
    """Return whether a text may be the first part of a tag or token at the start."""
    tokens = (*_BEFORE_ANSWER, *(opening for opening, _ in _PAIRS))
    return any(token.startswith(begun) for token in tokens)


def split_unopened(text: str) -> tuple[str, str]:
    """Return the reasoning and the answer in a text with one closing tag and no opening tag.

    For any other text, such as one that quotes the tag, the reasoning is empty.
    """
    if "</think>" not in text and "[/THINK]" not in text:
        return "", text
    closings = _UNOPENED.findall(text)
    if len(closings) != 1 or len(_TAG.findall(text)) != 1:
        return "", text
    thinking, _, answer = text.partition(closings[0])
    return thinking.strip(), answer.lstrip()


def _pieces(text: str, *, is_thinking: bool = False) -> list[TaggedText]:
    return [TaggedText(text, is_thinking)] if text else []


def _beginning_of_a_tag(text: str, tags: tuple[str, ...]) -> int:
    """Return how many characters at the end of `text` may be the start of a tag."""
    most = max(map(len, tags)) - 1
    return next((n for n in range(min(most, len(text)), 0, -1) if any(tag.startswith(text[-n:]) for tag in tags)), 0)


_MOST_MODELS = 1024
_LIKELY = re.compile(r"(?:^|[^a-z])r1(?:$|[^0-9])|qwen-?3|think|reason|nemotron|smollm-?3|exaone-deep|deepscaler")


@dataclass(slots=True)
class ThinkingHabits:
    """Remembers models whose chat template puts the opening tag into the prompt: streams of their reasoning have none.

    `is_self_hosted`: an operator's server, which may not separate reasoning from the answer. There, a model whose name
    suggests it is expected to think until one of its answers shows otherwise.
    """

    is_self_hosted: bool
    _seen: dict[str, bool] = field(default_factory=dict)

    def is_expected(self, model: str) -> bool:
        """Return whether the next answer of `model` probably begins with such reasoning."""
        name = model.lower()
        likely = self.is_self_hosted and (_LIKELY.search(name) is not None or is_thinking_model(name))
        return self._seen.get(model, likely)

    def observe(self, model: str, *, unopened: bool) -> None:
        """Record whether an answer of `model` began with such reasoning."""
        if model not in self._seen and len(self._seen) >= _MOST_MODELS:
            del self._seen[next(iter(self._seen))]
        self._seen[model] = unopened
