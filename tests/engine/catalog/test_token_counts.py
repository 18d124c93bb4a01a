import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.token_counts import estimate, estimate_text, has_pictures, upper_bound
from engine.chat import ChatRequest, Image, Message, Options, Role, Text, Tool, ToolCall, says

PNG = Image("data:image/png;base64,AAAA")


def asks(text: str, *, options: Options = Options(), images: tuple[Image, ...] = ()) -> ChatRequest:  # noqa: B008
    return ChatRequest("r", "auto", (Message(Role.USER, (Text(text), *images)),), options=options)


@pytest.mark.parametrize(
    ("text", "bytes_per_token"),
    [
        ("The quick brown fox jumps over the lazy dog and then goes home to sleep. ", 4.1),
        ("def f(x):\n    return {k: v for k, v in x.items() if v[0] != k}\n", 3.1),
        (base64.b64encode(random.Random(1).randbytes(3000)).decode(), 1.5),
        ("我想了解一下这个产品的价格以及到北京的配送时间。", 4.2),
        ("Xin chào, tôi muốn hỏi về giá cả của sản phẩm này. ", 4.1),
        ("😀🎉🚀🔥💯", 2.3),
    ],
)
def test_a_script_has_its_ratio(text: str, bytes_per_token: float) -> None:
    text *= 20
    assert len(text.encode()) / estimate_text(text) == pytest.approx(bytes_per_token, rel=0.03)


def test_nothing_is_no_token_and_a_letter_one() -> None:
    assert (estimate_text(""), estimate_text("a")) == (0, 1)


def test_a_short_word_is_not_taken_for_packed_data() -> None:
    assert estimate_text("Donaudampfschifffahrt") < 8


@given(st.text(max_size=2000))
def test_the_bound_is_the_bytes_and_what_templates_add(text: str) -> None:
    assert upper_bound(asks(text)) >= len(text.encode()) + 16 + 64


@given(st.text(max_size=2000), st.integers(0, 3))
def test_an_estimate_is_never_over_the_bound(text: str, pictures: int) -> None:
    request = asks(text, images=(PNG,) * pictures)
    assert 0 < estimate(request) <= upper_bound(request)


def test_half_a_surrogate_pair_is_counted_like_any_letter() -> None:
    request = asks("broken \ud83d here")
    assert upper_bound(request) > estimate(request) > 0


def test_each_message_adds_its_template() -> None:
    one, two = (ChatRequest("r", "auto", (says(Role.USER, "hi"),) * count) for count in (1, 2))
    assert upper_bound(two) - upper_bound(one) >= 2 + 16


def test_tools_count_with_their_json_and_a_template() -> None:
    tool = Tool("weather", "Tells the weather", {"type": "object", "properties": {"city": {"type": "string"}}})
    bare, tooled = asks("hi"), asks("hi", options=Options(tools=(tool,)))
    assert upper_bound(tooled) - upper_bound(bare) > 512 + 60
    assert estimate(tooled) > estimate(bare)


def test_a_schema_counts() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    assert upper_bound(asks("hi", options=Options(response_format=schema))) > upper_bound(asks("hi")) + 64


def test_what_the_model_called_before_counts() -> None:
    call = Message(Role.ASSISTANT, (), (ToolCall("1", "weather", '{"city": "Hanoi"}' * 50),))
    request = ChatRequest("r", "auto", (says(Role.USER, "hi"), call))
    assert estimate(request) > 150
    assert upper_bound(request) > 17 * 50


def test_a_picture_is_bounded_by_its_pixels() -> None:
    def bound(width: int, height: int) -> int:
        return upper_bound(asks("", images=(Image("https://x/y.png", width=width, height=height),))) - upper_bound(
            asks("")
        )

    assert bound(320, 200) == 1600
    assert bound(1600, 1200) == 3840
    assert bound(0, 0) == bound(10_000, 10_000) == 16_000


def test_a_picture_weighs_what_the_model_makes_of_it() -> None:
    request = asks("what is this?", images=(PNG,))
    assert estimate(request, "gpt-4o-mini") > 10 * estimate(request, "gemini-2.5-flash-lite")
    assert has_pictures(request)
    assert not has_pictures(asks("what is this?"))
