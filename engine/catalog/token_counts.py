"""Token counts before an answer: an estimate, its correction by reported usage, and the bound that a hold is made for.

The bound is the number of UTF-8 bytes: no vocabulary makes more tokens than bytes (tried on 64,000 random strings with
16 vocabularies). SentencePiece may add one token a text; chat templates add at most 16 a message and 64 a request.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.catalog.learned_sizes import AnswerLengths, Mean
from engine.catalog.offers import Offer
from engine.catalog.picture_tokens import estimate_pictures, pictures_bound
from engine.chat import ChatRequest, Message, Text

PER_MESSAGE, PER_REQUEST, PER_TOOLS = 16, 64, 512

# Tenths of a byte per token, by kind of text, measured with o200k; other vocabularies differ by up to a half.
_PLAIN, _CODE, _PACKED, _ACCENTED, _IDEOGRAPHS, _EMOJI = 41, 31, 15, 42, 42, 23
_SPARSE_SPACES = 40  # base64 and the like: fewer than one space or line end in so many characters
_DENSE_MARKS = 9  # code: more than one punctuation mark in so many characters
_MOSTLY = 8  # with less than one non-ASCII byte in so many a text counts as ASCII
_ASCII_SCRIPTS = {_PLAIN: "plain", _CODE: "code", _PACKED: "packed"}
_MARKS = b"!\"#$%&'()*+/:;<=>@[\\]^_`{|}~"
_ASCII = bytes(range(0x80))
_NOT_IDEOGRAPHS = bytes(set(range(0x100)) - set(range(0xE3, 0xEE)))
_NOT_EMOJI = bytes(set(range(0x100)) - set(range(0xF0, 0xF5)))

POOL_WEIGHT = 20.0  # this many answers of one offer weigh as much as those of all offers
SAMPLES_TO_HOLD = 100  # with fewer samples, a hold is made for the bytes
HOLD_MARGIN = 1.3
LEAST_TOKENS = 20  # a shorter prompt measures the chat template rather than the tokenizer
_MOST_INPUT_RATIO, _MOST_OUTPUT_RATIO = 8.0, 32.0


@dataclass(frozen=True, slots=True)
class Measure:
    """The size of a request's input. `tokens`: estimated, without pictures; `most_tokens`: the bound, with pictures.

    `script` is that of the longest text; `is_plain`: nothing but text.
    """

    script: str
    tokens: int
    most_tokens: int
    overhead_tokens: int
    is_plain: bool


def measure(request: ChatRequest) -> Measure:
    plain = not request.has_pictures and not request.options.tools and not request.options.response_format
    overhead = PER_MESSAGE * len(request.messages) + PER_REQUEST
    longest = max((part.text for message in request.messages for part in _texts(message)), key=len, default="")
    return Measure(script(longest), _estimate_texts(request), upper_bound(request), overhead, plain)


def upper_bound(request: ChatRequest) -> int:
    """Return the most input tokens that any provider counts; only gpt-4o-mini counts pictures higher."""
    texts = sum(_bytes_of(message) + PER_MESSAGE for message in request.messages)
    pictures = pictures_bound(request) if request.has_pictures else 0
    return texts + pictures + _tools_bytes(request) + PER_REQUEST


def estimate(request: ChatRequest, model: str = "") -> int:
    """Return about how many input tokens `model` counts."""
    pictures = estimate_pictures(request, model) if request.has_pictures else 0
    return _estimate_texts(request) + pictures


def estimate_text(text: str) -> int:
    """Return about how many tokens a text is, by its script: a token is 4 bytes of English, 1.5 of base64."""
    if not text:
        return 0
    data = _encoded(text)
    plain = len(data) if text.isascii() else len(data.translate(None, bytes(range(0x80, 0x100))))
    tenths = plain * 100 // _ascii_tenths(data, plain)
    if plain < len(data):
        tenths += _foreign_tenths(data)
    return max(1, -(-tenths // 10))


def script(text: str) -> str:
    """Return the kind of text, as tokenizers differ by it: plain, code, packed, accented, ideographs or emoji."""
    data = _encoded(text)
    foreign = b"" if text.isascii() else data.translate(None, _ASCII)
    if len(foreign) * _MOSTLY < len(data):
        return _ASCII_SCRIPTS[_ascii_tenths(data, len(data) - len(foreign))]
    if 3 * len(foreign.translate(None, _NOT_IDEOGRAPHS)) * 2 > len(foreign):
        return "ideographs"
    return "emoji" if 4 * len(foreign.translate(None, _NOT_EMOJI)) * 2 > len(foreign) else "accented"


def _estimate_texts(request: ChatRequest) -> int:
    texts = sum(estimate_text(part.text) for message in request.messages for part in _texts(message))
    calls = sum(estimate_text(call.arguments) + 8 for message in request.messages for call in message.tool_calls)
    return texts + calls + 4 * len(request.messages) + 3 + _tools_bytes(request) // 4


def _ascii_tenths(data: bytes, plain: int) -> int:
    """Return the tenths of a byte per token of the ASCII part: prose, code or packed data."""
    spaces = data.count(b" ") + data.count(b"\n")
    if plain > 10 * _SPARSE_SPACES and spaces * _SPARSE_SPACES < plain:
        return _PACKED
    marks = len(data) - len(data.translate(None, _MARKS))
    return _CODE if marks * _DENSE_MARKS > plain else _PLAIN


def _foreign_tenths(data: bytes) -> int:
    """Return tenths of tokens of the non-ASCII part: ideographs take 3 bytes, emoji 4, accented letters the rest."""
    foreign = data.translate(None, _ASCII)
    ideographs = 3 * len(foreign.translate(None, _NOT_IDEOGRAPHS))
    emoji = 4 * len(foreign.translate(None, _NOT_EMOJI))
    accented = max(0, len(foreign) - ideographs - emoji)
    return ideographs * 100 // _IDEOGRAPHS + emoji * 100 // _EMOJI + accented * 100 // _ACCENTED


def _encoded(text: str) -> bytes:
    """Encode as UTF-8; a lone surrogate, which JSON allows, counts too."""
    return text.encode("utf-8", "surrogatepass")


def _bytes_of(message: Message) -> int:
    text = sum(len(_encoded(part.text)) + 1 for part in _texts(message))
    calls = sum(len(_encoded(call.arguments)) + len(_encoded(call.name)) + 32 for call in message.tool_calls)
    return text + calls + len(_encoded(message.name)) + len(_encoded(message.tool_call_id))


def _tools_bytes(request: ChatRequest) -> int:
    size = 0
    if request.options.tools:
        size = PER_TOOLS + sum(
            len(json.dumps(dict(tool.parameters))) + len(_encoded(tool.name)) + len(_encoded(tool.description))
            for tool in request.options.tools
        )
    if request.options.response_format:
        size += len(json.dumps(dict(request.options.response_format))) + 64
    return size


def _texts(message: Message) -> Iterable[Text]:
    return (part for part in message.parts if isinstance(part, Text))


@dataclass(slots=True)
class Ratio:
    """Reported over estimated input tokens, for one offer and script: the mean and the maximum."""

    mean: Mean = field(default_factory=Mean)
    most: float = 0.0
    seen: int = 0

    def add(self, value: float) -> None:
        self.mean.add(value)
        self.seen += 1
        self.most = max(value, self.most)


@dataclass(slots=True)
class TokenSizes:
    """Token sizes learned from the usage of kept answers. One per process.

    Tokenizers differ: Vietnamese takes 3.1 bytes a token at one provider and 5.0 at another. The estimate for a script
    is corrected by each offer's reports.
    """

    _inputs: dict[tuple[Offer, str], Ratio] = field(default_factory=dict)
    _pooled: dict[str, Mean] = field(default_factory=dict)
    _thought: dict[Offer, Mean] = field(default_factory=dict)
    _words: dict[Offer, Mean] = field(default_factory=dict)
    _all_words: Mean = field(default_factory=Mean)
    _lengths: AnswerLengths = field(default_factory=AnswerLengths)

    def input_tokens(self, offer: Offer, measure: Measure) -> tuple[int, int]:
        """Return the expected input tokens at `offer`, and those that a hold is made for.

        A hold is made for the maximum that was reported, with a margin, and never for more than the bytes.
        """
        pooled = self._pooled.get(measure.script)
        if pooled is None:
            return measure.tokens, measure.most_tokens
        ratio = self._inputs.get((offer, measure.script))
        expected = round(measure.tokens * _blended(ratio.mean if ratio else None, pooled))
        if ratio is None or ratio.seen < SAMPLES_TO_HOLD or not measure.is_plain:
            return expected, measure.most_tokens
        most = int(measure.tokens * ratio.most * HOLD_MARGIN) + measure.overhead_tokens
        return expected, min(measure.most_tokens, most)

    def answer_tokens(self, model: str, tenant_id: int | None, input_tokens: int = 0) -> float:
        """Return the expected visible tokens of an answer, for this tenant and size of the input (0: unknown)."""
        return self._lengths.expected(model, tenant_id, input_tokens)

    def output_times(self, offer: Offer) -> float:
        """Return the tokens billed for one estimated visible token, by the offer's tokenizer and its thinking."""
        words = _blended(self._words.get(offer), self._all_words) if self._all_words.samples else 1.0
        return words * self.thinking_times(offer)

    def thinking_times(self, offer: Offer) -> float:
        """Return the tokens billed for one visible token, by the offer's thinking."""
        thought = self._thought.get(offer)
        return thought.value if thought else 1.0

    def learn_input(self, offer: Offer, measure: Measure, reported_tokens: int) -> None:
        if measure.tokens >= LEAST_TOKENS and reported_tokens > 0:
            value = min(_MOST_INPUT_RATIO, reported_tokens / measure.tokens)
            self._inputs.setdefault((offer, measure.script), Ratio()).add(value)
            self._pooled.setdefault(measure.script, Mean()).add(value)

    def learn_output(
        self,
        offer: Offer,
        model: str,
        tenant_id: int | None,
        visible_tokens: int,
        reported: tuple[int, int],
        *,
        input_tokens: int = 0,
    ) -> None:
        """`visible_tokens`: estimated from the answer; `reported`: all output tokens, then those of thinking.

        `input_tokens`: the estimated size of the input; 0 is unknown.
        """
        billed, thought = reported
        if visible_tokens <= 0 or billed <= thought:
            return
        visible = billed - thought
        self._thought.setdefault(offer, Mean()).add(min(_MOST_OUTPUT_RATIO, billed / visible))
        for mean in (self._words.setdefault(offer, Mean()), self._all_words):
            mean.add(min(_MOST_OUTPUT_RATIO, visible / visible_tokens))
        self._lengths.learn(model, tenant_id, input_tokens, visible_tokens)

    def dump(self) -> dict[str, Any]:
        """Return the state to keep over a restart, as JSON; tenants' own answer lengths are learned again."""
        return {
            "inputs": [
                [offer.name, script, ratio.mean.value, ratio.mean.samples, ratio.most, ratio.seen]
                for (offer, script), ratio in self._inputs.items()
            ],
            "thought": [[offer.name, mean.value, mean.samples] for offer, mean in self._thought.items()],
            "words": [[offer.name, mean.value, mean.samples] for offer, mean in self._words.items()],
            "pooled": [[script, mean.value, mean.samples] for script, mean in self._pooled.items()],
            "all_words": [self._all_words.value, self._all_words.samples],
            **self._lengths.dump(),
        }

    def load(self, kept: Mapping[str, Any]) -> None:
        """Restore the state of `dump`. Raises KeyError, TypeError or ValueError for anything else."""
        for name, script, value, samples, most, seen in kept["inputs"]:
            self._inputs[Offer.named(name), str(script)] = Ratio(Mean(float(value), float(samples)), most, int(seen))
        for known, means in ((kept["thought"], self._thought), (kept["words"], self._words)):
            for name, value, samples in known:
                means[Offer.named(name)] = Mean(float(value), float(samples))
        for script, value, samples in kept["pooled"]:
            self._pooled[str(script)] = Mean(float(value), float(samples))
        self._all_words = Mean(*map(float, kept["all_words"]))
        self._lengths.load(kept)


def _blended(own: Mean | None, pooled: Mean) -> float:
    """Return one offer's mean, drawn towards the mean of all while its samples are few."""
    if own is None:
        return pooled.value
    return own.drawn(pooled.value, POOL_WEIGHT)
