import pytest

from engine.catalog.long_texts import LONG_TOKENS, unlearned_hold_tokens
from engine.catalog.offers import Offer
from engine.catalog.token_counts import Measure, TokenSizes, measure
from engine.chat import ChatRequest, Image, Message, Role, Text

OFFER = Offer("deepseek", "m")
PROSE = "The tide comes in and goes out, and the sea stays where it is, more or less.\n"


@pytest.mark.parametrize(
    ("estimated", "most", "held"),
    [
        (LONG_TOKENS - 1, 50_000, 50_000),
        (LONG_TOKENS, 50_000, 2 * LONG_TOKENS + 80),
        (LONG_TOKENS, 5_000, 5_000),
    ],
)
def test_only_a_long_text_is_held_by_its_estimate(estimated: int, most: int, held: int) -> None:
    assert unlearned_hold_tokens(Measure("plain", estimated, most, 80, is_plain=True)) == held


def held(*parts: Text | Image) -> tuple[int, int]:
    size = measure(ChatRequest("r", "auto", (Message(Role.USER, parts),)))
    return TokenSizes().input_tokens(TokenSizes().of(OFFER), size)[1], size.most_tokens


def test_file_of_200_kb_is_held_for_half_its_bytes_without_any_report() -> None:
    tokens, most = held(Text(PROSE * 2500))
    assert tokens < most * 0.55
    assert tokens > len(PROSE * 2500) / 4.5 * 1.5


def test_short_text_and_a_text_with_pictures_are_held_for_their_bytes() -> None:
    short, most = held(Text(PROSE))
    assert short == most
    with_picture, most = held(Text(PROSE * 2500), Image("data:image/png;base64,AA", width=9, height=9))
    assert with_picture == most
