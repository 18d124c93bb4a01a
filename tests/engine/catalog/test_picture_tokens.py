import pytest

from engine.catalog.picture_tokens import estimate_pictures, pictures_bound
from engine.chat import ChatRequest, Image, Message, Role, Text


def asks(*images: Image) -> ChatRequest:
    return ChatRequest("r", "auto", (Message(Role.USER, (Text("look"), *images)),))


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [
        (320, 200, 1600),
        (1000, 801, 1602),
        (1600, 1200, 3840),
        (3200, 2499, 15_993),
        (10_000, 10_000, 16_000),
        (0, 0, 16_000),
        (320, 0, 16_000),
        (0, 200, 16_000),
    ],
)
def test_picture_is_bounded_by_its_pixels(width: int, height: int, tokens: int) -> None:
    picture = Image("https://x/y.png", width=width, height=height)
    assert pictures_bound(asks(picture)) == tokens
    assert pictures_bound(asks(picture, picture)) == 2 * tokens


@pytest.mark.parametrize(
    ("model", "tokens"), [("gpt-4o-mini", 25_501), ("gemini-2.5-flash-lite", 1100), ("gpt-4o", 800), ("", 800)]
)
def test_picture_is_estimated_by_model(model: str, tokens: int) -> None:
    assert estimate_pictures(asks(Image("https://x/y.png")), model) == tokens
    assert estimate_pictures(asks(Image("a"), Image("b")), model) == 2 * tokens


def test_request_without_pictures_has_none_to_count() -> None:
    assert estimate_pictures(asks(), "gpt-4o") == pictures_bound(asks()) == 0
