"""Token counts before an answer: an estimate, its correction by reported usage, and the bound that a hold is made for.

The bound is the number of UTF-8 bytes: no vocabulary makes more tokens than bytes (tried on 64,000 random strings with
16 vocabularies). SentencePiece may add one token a text; chat templates add at most 16 a message and 64 a request.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, AnyStr, NamedTuple

from engine.catalog.learned_sizes import AnswerLengths, Mean, OfferSizes, Ratio, ThinkingSpeeds, bound
from engine.catalog.long_texts import unlearned_hold_tokens
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
_ASCII, _NOT_ASCII = bytes(range(0x80)), bytes(range(0x80, 0x100))
_PIECES, _PIECE = 4, 512  # of a long text
_SHORT = 1024  # ASCII texts up to this length are sized together
_NOT_IDEOGRAPHS = bytes(set(range(0x100)) - set(range(0xE3, 0xEE)))
_NOT_EMOJI = bytes(set(range(0x100)) - set(range(0xF0, 0xF5)))

POOL_WEIGHT = 20.0  # this many answers of one offer weigh as much as those of all offers
SAMPLES_TO_HOLD = 100  # with fewer samples, a hold is made for the bytes
HOLD_MARGIN = 1.3
LEAST_TOKENS = 20  # a shorter prompt measures the chat template rather than the tokenizer
_MOST_INPUT_RATIO, _MOST_OUTPUT_RATIO = 8.0, 32.0


class Measure(NamedTuple):
    """The size of a request's input. `tokens`: estimated, without pictures; `most_tokens`: the bound, with pictures.

    `script` is that of the longest text; `is_plain`: nothing but text.
    """

    script: str
    tokens: int
    most_tokens: int
    overhead_tokens: int
    is_plain: bool
    has_pictures: bool = False


class TextSize(NamedTuple):
    """The size of one text. `script`: plain, code, packed, accented, ideographs or emoji; tokenizers differ by it."""

    tokens: int
    bytes: int
    script: str


_EMPTY = TextSize(0, 0, "accented")


def measure(request: ChatRequest) -> Measure:
    tokens = most_tokens = 0
    longest, longest_script, has_pictures = -1, "", False
    short: list[str] = []
    for message in request.messages:
        for part in message.parts:
            if not isinstance(part, Text):
                has_pictures = True
            elif len(part.text) <= _SHORT and part.text.isascii():
                short.append(part.text)
            else:
                size = text_size(part.text)
                tokens += size.tokens
                most_tokens += size.bytes + 1
                if len(part.text) > longest:
                    longest, longest_script = len(part.text), size.script
        if message.tool_calls or message.name or message.tool_call_id:
            calls = _calls_size(message)
            tokens, most_tokens = tokens + calls[0], most_tokens + calls[1]
    if short:
        size = text_size("".join(short))
        tokens, most_tokens = tokens + size.tokens, most_tokens + size.bytes + len(short)
        longest_script = longest_script or size.script
    overhead_tokens = PER_MESSAGE * len(request.messages) + PER_REQUEST
    tools_bytes, pictures = _tools_bytes(request), pictures_bound(request) if has_pictures else 0
    return Measure(
        longest_script or _EMPTY.script,
        tokens + 4 * len(request.messages) + 3 + tools_bytes // 4,
        most_tokens + overhead_tokens + pictures + tools_bytes,
        overhead_tokens,
        not has_pictures and not tools_bytes,
        has_pictures,
    )


def _calls_size(message: Message) -> tuple[int, int]:
    """Return the estimated tokens, and the bound, of a message's tool calls and names."""
    tokens, most_tokens = 0, len(_encoded(message.name)) + len(_encoded(message.tool_call_id))
    for call in message.tool_calls:
        arguments = text_size(call.arguments)
        tokens += arguments.tokens + 8
        most_tokens += arguments.bytes + len(_encoded(call.name)) + 32
    return tokens, most_tokens


def upper_bound(request: ChatRequest) -> int:
    """Return the most input tokens that any provider counts; only gpt-4o-mini counts pictures higher."""
    return measure(request).most_tokens


def estimate(request: ChatRequest, model: str = "") -> int:
    """Return about how many input tokens `model` counts."""
    size = measure(request)
    return size.tokens + (estimate_pictures(request, model) if size.has_pictures else 0)


def estimate_text(text: str) -> int:
    """Return about how many tokens a text is, by its script: a token is 4 bytes of English, 1.5 of base64."""
    return text_size(text).tokens


def text_size(text: str) -> TextSize:
    """Return the size of a text. Prose, code and packed data are told apart by samples of a long text."""
    if text.isascii():
        tenths = _ascii_tenths(_sample(text).encode())
        tokens = -(-(len(text) * 100 // tenths) // 10)
        return TextSize(max(1, tokens), len(text), _ASCII_SCRIPTS[tenths]) if text else _EMPTY
    data = _encoded(text)
    foreign = data.translate(None, _ASCII)
    plain = len(data) - len(foreign)
    ideographs = 3 * len(foreign.translate(None, _NOT_IDEOGRAPHS))
    emoji = 4 * len(foreign.translate(None, _NOT_EMOJI))
    ascii_tenths = _ascii_tenths(_sample(data))
    tenths = plain * 100 // ascii_tenths + _foreign_tenths(len(foreign), ideographs, emoji)
    if len(foreign) * _MOSTLY < len(data):
        kind = _ASCII_SCRIPTS[ascii_tenths]
    elif ideographs * 2 > len(foreign):
        kind = "ideographs"
    else:
        kind = "emoji" if emoji * 2 > len(foreign) else "accented"
    return TextSize(max(1, -(-tenths // 10)), len(data), kind)


def _sample(text: AnyStr) -> AnyStr:
    """Return the whole of a short text, and pieces from all over a long one."""
    if len(text) <= _PIECES * _PIECE:
        return text
    step = (len(text) - _PIECE) // (_PIECES - 1)
    return text[:0].join([text[start : start + _PIECE] for start in range(0, step * _PIECES, step)])


def _ascii_tenths(data: bytes) -> int:
    """Return the tenths of a byte per token of the ASCII part: prose, code or packed data."""
    plain = len(data) if data.isascii() else len(data.translate(None, _NOT_ASCII))
    spaces = data.count(b" ") + data.count(b"\n")
    if plain > 10 * _SPARSE_SPACES and spaces * _SPARSE_SPACES < plain:
        return _PACKED
    marks = len(data) - len(data.translate(None, _MARKS))
    return _CODE if marks * _DENSE_MARKS > plain else _PLAIN


def _foreign_tenths(size: int, ideographs: int, emoji: int) -> int:
    """Return tenths of tokens of the non-ASCII part: ideographs take 3 bytes, emoji 4, accented letters the rest."""
    accented = max(0, size - ideographs - emoji)
    return ideographs * 100 // _IDEOGRAPHS + emoji * 100 // _EMOJI + accented * 100 // _ACCENTED


def _encoded(text: str) -> bytes:
    """Encode as UTF-8; a lone surrogate, which JSON allows, counts too."""
    return text.encode("utf-8", "surrogatepass")


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


@dataclass(slots=True)
class TokenSizes:
    """Token sizes learned from the usage of kept answers. One per process.

    Tokenizers differ: Vietnamese takes 3.1 bytes a token at one provider and 5.0 at another. The estimate for a script
    is corrected by each offer's reports.
    """

    thinking_speeds: ThinkingSpeeds = field(default_factory=ThinkingSpeeds)
    _offers: dict[Offer, OfferSizes] = field(default_factory=dict)
    _pooled: dict[str, Mean] = field(default_factory=dict)
    _all_words: Mean = field(default_factory=lambda: Mean(1.0))
    _lengths: AnswerLengths = field(default_factory=AnswerLengths)

    def of(self, offer: Offer) -> OfferSizes:
        found = self._offers.get(offer)
        if found is None:
            bound(self._offers, offer)
            found = self._offers[offer] = OfferSizes()
        return found

    def input_tokens(self, own: OfferSizes, measure: Measure) -> tuple[int, int]:
        """Return the expected input tokens at the offer with the sizes `own`, and those that a hold is made for.

        A hold is made for the maximum that was reported, with a margin, and never for more than the bytes.
        """
        pooled, unlearned = self._pooled.get(measure.script), unlearned_hold_tokens(measure)
        if pooled is None:
            return measure.tokens, unlearned
        ratio = own.inputs.get(measure.script)
        if ratio is None:
            return round(measure.tokens * pooled.value), unlearned
        expected = round(measure.tokens * ratio.mean.drawn(pooled.value, POOL_WEIGHT))
        if ratio.seen < SAMPLES_TO_HOLD or not measure.is_plain:
            return expected, unlearned
        most = int(measure.tokens * ratio.most * HOLD_MARGIN) + measure.overhead_tokens
        return expected, min(measure.most_tokens, most)

    def answer_tokens(self, model: str, tenant_id: int | None, input_tokens: int = 0) -> float:
        """Return the expected visible tokens of an answer, for this tenant and size of the input (0: unknown)."""
        return self._lengths.expected(model, tenant_id, input_tokens)

    def output_times(self, own: OfferSizes) -> float:
        """Return the tokens billed for one estimated visible token, by the offer's tokenizer and its thinking."""
        return own.words.drawn(self._all_words.value, POOL_WEIGHT) * own.thought.value

    def thinking_times(self, offer: Offer) -> float:
        """Return the tokens billed for one visible token, by the offer's thinking."""
        return self.of(offer).thought.value

    def learn_input(self, offer: Offer, measure: Measure, reported_tokens: int) -> None:
        if measure.tokens >= LEAST_TOKENS and reported_tokens > 0:
            value = min(_MOST_INPUT_RATIO, reported_tokens / measure.tokens)
            self.of(offer).inputs.setdefault(measure.script, Ratio()).add(value)
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
        visible, own = billed - thought, self.of(offer)
        own.thought.add(min(_MOST_OUTPUT_RATIO, billed / visible))
        for mean in (own.words, self._all_words):
            mean.add(min(_MOST_OUTPUT_RATIO, visible / visible_tokens))
        self._lengths.learn(model, tenant_id, input_tokens, visible_tokens)

    def dump(self) -> dict[str, Any]:
        """Return the state to keep over a restart, as JSON; tenants' own answer lengths are learned again."""
        return {
            "inputs": [
                [offer.name, script, ratio.mean.value, ratio.mean.samples, ratio.most, ratio.seen]
                for offer, own in self._offers.items()
                for script, ratio in own.inputs.items()
            ],
            "thought": self._dumped(lambda own: own.thought),
            "words": self._dumped(lambda own: own.words),
            "pooled": [[script, mean.value, mean.samples] for script, mean in self._pooled.items()],
            "all_words": [self._all_words.value, self._all_words.samples],
            **self._lengths.dump(),
        }

    def load(self, kept: Mapping[str, Any]) -> None:
        """Restore the state of `dump`. Raises KeyError, TypeError or ValueError for anything else."""
        for name, script, value, samples, most, seen in kept["inputs"]:
            ratio = Ratio(Mean(float(value), float(samples)), most, int(seen))
            self.of(Offer.named(name)).inputs[str(script)] = ratio
        for name, value, samples in kept["thought"]:
            self.of(Offer.named(name)).thought = Mean(float(value), float(samples))
        for name, value, samples in kept["words"]:
            self.of(Offer.named(name)).words = Mean(float(value), float(samples))
        for script, value, samples in kept["pooled"]:
            self._pooled[str(script)] = Mean(float(value), float(samples))
        self._all_words = Mean(*map(float, kept["all_words"]))
        self._lengths.load(kept)

    def _dumped(self, mean_of: Callable[[OfferSizes], Mean]) -> list[list[Any]]:
        means = ((offer.name, mean_of(own)) for offer, own in self._offers.items())
        return [[name, mean.value, mean.samples] for name, mean in means if mean.samples]
