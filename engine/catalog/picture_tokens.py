"""Token counts of pictures: an estimate by model, and an upper bound by pixels."""

import math
from collections.abc import Iterator

from engine.chat import ChatRequest, Image

IMAGE_TOKENS = 1600  # the largest count of a typical picture at most providers
_MOST_IMAGE_TOKENS = 16_000
_PIXELS_PER_TOKEN = 500
_MINI_BASE_TOKENS, _MINI_TILE_TOKENS = 2833, 5667
_BY_MODEL = (
    # (a part of the model's name, tokens of a usual picture). OpenAI bills gpt-4o-mini 2,833 tokens and 5,667 for each
    # of about four tiles; Gemini 258 a tile, or up to 1,120 a picture.
    ("gpt-4o-mini", 25_501),
    ("gemini", 1100),
    ("", IMAGE_TOKENS // 2),
)


def estimate_pictures(request: ChatRequest, model: str) -> int:
    """Return an estimate of the tokens that `model` counts for the request's pictures."""
    number = sum(1 for _ in _images(request))
    return number * next(tokens for part, tokens in _BY_MODEL if part in model)


def pictures_bound(request: ChatRequest) -> int:
    """Return the highest token count of the pictures, by their pixels. Only gpt-4o-mini may count more."""
    return sum(_bound(image) for image in _images(request))


def pictures_beyond_bound(request: ChatRequest, model: str) -> int:
    """Return the tokens by which `model` may exceed `pictures_bound`."""
    if "gpt-4o-mini" not in model:
        return 0
    return sum(max(0, _mini_bound(image) - _bound(image)) for image in _images(request))


def _mini_bound(image: Image) -> int:
    """Return the tokens that gpt-4o-mini bills for a picture: a base, and an amount for each tile of 512 x 512 pixels.

    A picture is scaled to fit into 2048 x 2048, then to a short side of 768 pixels: at most eight tiles. Source:
    developers.openai.com/api/docs/guides/images-vision.
    """
    tiles = 8
    if image.detail == "low":
        tiles = 0
    elif image.width > 0 and image.height > 0:
        scale = min(1.0, 2048 / max(image.width, image.height), 768 / min(image.width, image.height))
        tiles = min(8, math.ceil(image.width * scale / 512) * math.ceil(image.height * scale / 512))
    return _MINI_BASE_TOKENS + _MINI_TILE_TOKENS * tiles


def _bound(image: Image) -> int:
    if image.width and image.height:
        return min(_MOST_IMAGE_TOKENS, max(IMAGE_TOKENS, image.width * image.height // _PIXELS_PER_TOKEN))
    return _MOST_IMAGE_TOKENS


def _images(request: ChatRequest) -> Iterator[Image]:
    return (part for message in request.messages for part in message.parts if isinstance(part, Image))
