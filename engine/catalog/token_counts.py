"""Token counts before an answer: an estimate, and the upper bound that a hold covers.

The bound is the number of UTF-8 bytes: no vocabulary makes more tokens than bytes (tried on 64,000 random strings with
16 vocabularies). SentencePiece may add one token per text; chat templates add at most 16 per message and 64 per
request.
"""

import json
from typing import AnyStr, NamedTuple

from engine.catalog.picture_tokens import estimate_pictures, pictures_bound
from engine.chat import ChatRequest, Message, Text

PER_MESSAGE, PER_REQUEST, PER_TOOLS = 16, 64, 512
LONG_TOKENS, LONG_MARGIN = 4096, 2.0
"""From LONG_TOKENS on, the kind of a text is certain. The measured vocabularies differ from the estimate for its kind
by a factor below 1.5, so a margin of two is enough for the hold."""

# Tenths of a byte per token, by kind of text, measured with o200k; other vocabularies differ by up to a half.
_PLAIN, _CODE, _PACKED, _ACCENTED, _IDEOGRAPHS, _EMOJI = 41, 31, 15, 42, 42, 23
_SPARSE_SPACES = 40  # base64 and similar data: fewer than one space or line end in this many characters
_DENSE_MARKS = 9  # code: more than one punctuation mark in this many characters
_MOSTLY = 8  # a text counts as ASCII with less than one non-ASCII byte in this many
_ASCII_SCRIPTS = {_PLAIN: "plain", _CODE: "code", _PACKED: "packed"}
_MARKS = b"!\"#$%&'()*+/:;<=>@[\\]^_`{|}~"
_ASCII, _NOT_ASCII = bytes(range(0x80)), bytes(range(0x80, 0x100))
_PIECES, _PIECE = 4, 512  # number and length of the samples taken from a long text
_SHORT = 1024  # consecutive ASCII texts up to this length are measured together
_MOST_SIZES = 20_000  # most long texts whose size is remembered
_NOT_IDEOGRAPHS = bytes(set(range(0x100)) - set(range(0xE3, 0xEE)))
_NOT_EMOJI = bytes(set(range(0x100)) - set(range(0xF0, 0xF5)))


class Measure(NamedTuple):
    """The size of a request's input. `tokens`: the estimate, without pictures; `most_tokens`: the bound, with pictures.

    `script`: the one of the longest text; `is_plain`: the request contains text only.
    """

    script: str
    tokens: int
    most_tokens: int
    overhead_tokens: int
    is_plain: bool
    has_pictures: bool = False


class TextSize(NamedTuple):
    """The size of one text.

    `script`: plain, code, packed, accented, ideographs or emoji; tokenizers differ by script.
    """

    tokens: int
    bytes: int
    script: str


_EMPTY = TextSize(0, 0, "accented")
_sizes: dict[tuple[int, int], TextSize] = {}


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
                size = known_size(part.text)
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
    """Return the estimated tokens of a message's tool calls and names, and their upper bound."""
    tokens, most_tokens = 0, len(_encoded(message.name)) + len(_encoded(message.tool_call_id))
    for call in message.tool_calls:
        arguments = text_size(call.arguments)
        tokens += arguments.tokens + 8
        most_tokens += arguments.bytes + len(_encoded(call.name)) + 32
    return tokens, most_tokens


def upper_bound(request: ChatRequest) -> int:
    """Return the most input tokens that a provider can count for the request.

    Only gpt-4o-mini may count pictures higher.
    """
    return measure(request).most_tokens


def unlearned_hold_tokens(measure: Measure) -> int:
    """Return the input tokens to hold while an offer has too few reports.

    It is the bound by bytes, or less for a request that is only a long text, such as a file of 200 kB.
    """
    if not measure.is_plain or measure.tokens < LONG_TOKENS:
        return measure.most_tokens
    return min(measure.most_tokens, int(measure.tokens * LONG_MARGIN) + measure.overhead_tokens)


def estimate(request: ChatRequest, model: str = "") -> int:
    """Return the estimated number of input tokens that `model` counts."""
    size = measure(request)
    return size.tokens + (estimate_pictures(request, model) if size.has_pictures else 0)


def estimate_text(text: str) -> int:
    """Return the estimated tokens of a text, by its script: one token per 4 bytes of English or 1.5 bytes of base64."""
    return text_size(text).tokens


def known_size(text: str) -> TextSize:
    """Return the size of a long text.

    It is measured once, because each request of a conversation repeats earlier texts.

    The text itself is not kept.
    """
    key = (hash(text), len(text))
    found = _sizes.get(key)
    if found is None:
        if len(_sizes) >= _MOST_SIZES:
            del _sizes[next(iter(_sizes))]
        found = _sizes[key] = text_size(text)
    return found


def text_size(text: str) -> TextSize:
    """Return the size of a text. A long text is classified as prose, code or packed data by samples."""
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
    """Return a short text whole, and evenly spaced pieces of a long one."""
    if len(text) <= _PIECES * _PIECE:
        return text
    step = (len(text) - _PIECE) // (_PIECES - 1)
    return text[:0].join([text[start : start + _PIECE] for start in range(0, step * _PIECES, step)])


def _ascii_tenths(data: bytes) -> int:
    """Return the tenths of a byte per token for the ASCII part: prose, code or packed data."""
    plain = len(data) if data.isascii() else len(data.translate(None, _NOT_ASCII))
    spaces = data.count(b" ") + data.count(b"\n")
    if plain > 10 * _SPARSE_SPACES and spaces * _SPARSE_SPACES < plain:
        return _PACKED
    marks = len(data) - len(data.translate(None, _MARKS))
    return _CODE if marks * _DENSE_MARKS > plain else _PLAIN


def _foreign_tenths(size: int, ideographs: int, emoji: int) -> int:
    """Return tenths of tokens for the non-ASCII part: ideographs have 3 bytes, emoji 4, accented letters the rest."""
    accented = max(0, size - ideographs - emoji)
    return ideographs * 100 // _IDEOGRAPHS + emoji * 100 // _EMOJI + accented * 100 // _ACCENTED


def _encoded(text: str) -> bytes:
    """Encode as UTF-8, including lone surrogates, which JSON allows."""
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
