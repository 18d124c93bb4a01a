"""Counting before the fact: an estimate to quote with, an upper bound to hold with.

The bound is UTF-8 bytes: no vocabulary makes more tokens than bytes (tried on 64,000 random strings over
16 vocabularies); SentencePiece may add one a text, templates take 16 more a message and 64 a request.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from engine.chat import ChatRequest, Image, Message, Text

PER_MESSAGE, PER_REQUEST, PER_TOOLS = 16, 64, 512
IMAGE_TOKENS = 1600  # the dearest of most providers' ways to count a picture of usual size
_MOST_IMAGE_TOKENS = 16_000
_PICTURES = (
    # (a part of the model's name, tokens for a picture of usual size): OpenAI bills gpt-4o-mini 2,833 tokens and 5,667
    # for each of about four tiles; Gemini 258 a tile, or up to 1,120 a picture.
    ("gpt-4o-mini", 25_501),
    ("gemini", 1100),
    ("", IMAGE_TOKENS // 2),
)

# Tenths of a byte for one token, by what the bytes are: o200k, measured; between vocabularies they differ by a half.
_PLAIN, _CODE, _PACKED, _ACCENTED, _IDEOGRAPHS, _EMOJI = 41, 31, 15, 42, 42, 23
_SPARSE_SPACES = 40  # base64 and its like: fewer than one space or line end in so many characters
_DENSE_MARKS = 9  # code: more than one mark in so many characters
_MOSTLY = 8  # under one foreign byte in so many a text counts as ASCII
_ASCII_SCRIPTS = {_PLAIN: "plain", _CODE: "code", _PACKED: "packed"}
_MARKS = b"!\"#$%&'()*+/:;<=>@[\\]^_`{|}~"
_ASCII = bytes(range(0x80))
_NOT_IDEOGRAPHS = bytes(set(range(0x100)) - set(range(0xE3, 0xEE)))
_NOT_EMOJI = bytes(set(range(0x100)) - set(range(0xF0, 0xF5)))


@dataclass(frozen=True, slots=True)
class Measure:
    """A request's input, measured once. `tokens` is the estimate for all but pictures, `most_tokens` the bound for all.

    `script` is what its longest text is written in; `is_plain` when there is nothing but text.
    """

    script: str
    tokens: int
    most_tokens: int
    overhead_tokens: int
    is_plain: bool


def measure(request: ChatRequest) -> Measure:
    plain = not has_pictures(request) and not request.options.tools and not request.options.response_format
    overhead = PER_MESSAGE * len(request.messages) + PER_REQUEST
    longest = max((part.text for message in request.messages for part in _texts(message)), key=len, default="")
    return Measure(script(longest), estimate_words(request), upper_bound(request), overhead, plain)


def script(text: str) -> str:
    """What it is written in, as far as tokenizers care: plain, code, packed, accented, ideographs or emoji."""
    data = _encoded(text)
    foreign = b"" if text.isascii() else data.translate(None, _ASCII)
    if len(foreign) * _MOSTLY < len(data):
        return _ASCII_SCRIPTS[_ascii_tenths(data, len(data) - len(foreign))]
    if 3 * len(foreign.translate(None, _NOT_IDEOGRAPHS)) * 2 > len(foreign):
        return "ideographs"
    return "emoji" if 4 * len(foreign.translate(None, _NOT_EMOJI)) * 2 > len(foreign) else "accented"


def upper_bound(request: ChatRequest) -> int:
    """No provider counts more input tokens than this; a picture at gpt-4o-mini aside, which bills 33 times its size."""
    messages = sum(_bytes_of(message) + PER_MESSAGE for message in request.messages)
    images = sum(_image_bound(image) for image in _images(request))
    return messages + images + _tools_bytes(request) + PER_REQUEST


def estimate(request: ChatRequest, model: str = "") -> int:
    """About what a provider will count."""
    return estimate_words(request) + estimate_pictures(request, model)


def estimate_words(request: ChatRequest) -> int:
    """About what everything but its pictures will count as."""
    texts = sum(estimate_text(part.text) for message in request.messages for part in _texts(message))
    calls = sum(estimate_text(call.arguments) + 8 for message in request.messages for call in message.tool_calls)
    return texts + calls + 4 * len(request.messages) + 3 + _tools_bytes(request) // 4


def estimate_pictures(request: ChatRequest, model: str) -> int:
    """About what `model` will count its pictures as."""
    number = sum(1 for _ in _images(request))
    return number * next(tokens for mark, tokens in _PICTURES if mark in model)


def has_pictures(request: ChatRequest) -> bool:
    return any(True for _ in _images(request))


def estimate_text(text: str) -> int:
    """About what vocabularies make of it, by script: a token is 4 bytes of English, 1.5 of base64."""
    if not text:
        return 0
    data = _encoded(text)
    plain = len(data) if text.isascii() else len(data.translate(None, bytes(range(0x80, 0x100))))
    tenths = plain * 100 // _ascii_tenths(data, plain)
    if plain < len(data):
        tenths += _foreign_tenths(data)
    return max(1, -(-tenths // 10))


def _ascii_tenths(data: bytes, plain: int) -> int:
    """How many tenths of a byte a token of the ASCII in it takes: prose, code, or packed data."""
    spaces = data.count(b" ") + data.count(b"\n")
    if plain > 10 * _SPARSE_SPACES and spaces * _SPARSE_SPACES < plain:
        return _PACKED
    marks = len(data) - len(data.translate(None, _MARKS))
    return _CODE if marks * _DENSE_MARKS > plain else _PLAIN


def _foreign_tenths(data: bytes) -> int:
    """Tenths of tokens in what isn't ASCII: ideographs and kana take 3 bytes, emoji 4, accented letters the rest."""
    foreign = data.translate(None, _ASCII)
    ideographs = 3 * len(foreign.translate(None, _NOT_IDEOGRAPHS))
    emoji = 4 * len(foreign.translate(None, _NOT_EMOJI))
    accented = max(0, len(foreign) - ideographs - emoji)
    return ideographs * 100 // _IDEOGRAPHS + emoji * 100 // _EMOJI + accented * 100 // _ACCENTED


def _encoded(text: str) -> bytes:
    """Half a surrogate pair is legal in JSON, though not in UTF-8: it counts all the same."""
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


def _image_bound(image: Image) -> int:
    """By pixels: a token for 500 of them, and each has a least."""
    if image.width and image.height:
        return min(_MOST_IMAGE_TOKENS, max(IMAGE_TOKENS, image.width * image.height // 500))
    return _MOST_IMAGE_TOKENS


def _texts(message: Message) -> Iterable[Text]:
    return (part for part in message.parts if isinstance(part, Text))


def _images(request: ChatRequest) -> Iterable[Image]:
    return (part for message in request.messages for part in message.parts if isinstance(part, Image))
