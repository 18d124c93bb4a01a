import pytest

from engine.catalog.picture_tokens import estimate_pictures, pictures_beyond_bound, pictures_bound
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


@pytest.mark.parametrize(
    ("image", "tokens"),
    [
        (Image("a"), 48_169),
        (Image("a", width=4096, height=8192), 36_835),
        (Image("a", width=1024, height=1024), 25_501),
        (Image("a", width=500, height=500), 8_500),
    ],
)
def test_hold_for_gpt_4o_mini_covers_every_tile(image: Image, tokens: int) -> None:
    request = asks(image)
    assert pictures_bound(request) + pictures_beyond_bound(request, "gpt-4o-mini") >= tokens
    assert pictures_beyond_bound(request, "gpt-4o") == 0
    assert pictures_beyond_bound(asks(image, image), "gpt-4o-mini") == 2 * pictures_beyond_bound(request, "gpt-4o-mini")


def test_low_detail_has_no_tiles() -> None:
    assert pictures_beyond_bound(asks(Image("a", "low")), "gpt-4o-mini") == 0
