"""Token counts of pictures: an estimate by model, and an upper bound by pixels."""

from collections.abc import Iterator

from engine.chat import ChatRequest, Image

IMAGE_TOKENS = 1600  # the largest count of a usual picture at most providers
_MOST_IMAGE_TOKENS = 16_000
_PIXELS_PER_TOKEN = 500
_BY_MODEL = (
    # (a part of the model's name, tokens of a usual picture). OpenAI bills gpt-4o-mini 2,833 tokens and 5,667 for each
    # of about four tiles; Gemini 258 a tile, or up to 1,120 a picture.
    ("gpt-4o-mini", 25_501),
    ("gemini", 1100),
    ("", IMAGE_TOKENS // 2),
)


def estimate_pictures(request: ChatRequest, model: str) -> int:
    """Return about how many tokens `model` counts for the pictures."""
    number = sum(1 for _ in _images(request))
    return number * next(tokens for part, tokens in _BY_MODEL if part in model)


def pictures_bound(request: ChatRequest) -> int:
    """Return the most tokens of the pictures, by their pixels; gpt-4o-mini bills more than that."""
    return sum(_bound(image) for image in _images(request))


def _bound(image: Image) -> int:
    if image.width and image.height:
        return min(_MOST_IMAGE_TOKENS, max(IMAGE_TOKENS, image.width * image.height // _PIXELS_PER_TOKEN))
    return _MOST_IMAGE_TOKENS


def _images(request: ChatRequest) -> Iterator[Image]:
    return (part for message in request.messages for part in message.parts if isinstance(part, Image))
