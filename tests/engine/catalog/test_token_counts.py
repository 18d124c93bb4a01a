import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog import token_counts
from engine.catalog.token_counts import TextSize, estimate, estimate_text, known_size, measure, text_size, upper_bound
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
def test_each_script_has_its_bytes_per_token(text: str, bytes_per_token: float) -> None:
    text *= 20
    assert len(text.encode()) / estimate_text(text) == pytest.approx(bytes_per_token, rel=0.03)


def test_empty_text_is_no_token_and_a_letter_is_one() -> None:
    assert (estimate_text(""), estimate_text("a")) == (0, 1)


def test_short_word_is_not_packed_data() -> None:
    assert estimate_text("Donaudampfschifffahrt") < 8


@given(st.text(max_size=2000))
def test_bound_is_the_bytes_and_the_chat_template(text: str) -> None:
    assert upper_bound(asks(text)) >= len(text.encode()) + 16 + 64


@given(st.text(max_size=2000), st.integers(0, 3))
def test_estimate_is_never_over_the_bound(text: str, pictures: int) -> None:
    request = asks(text, images=(PNG,) * pictures)
    assert 0 < estimate(request) <= upper_bound(request)


def test_lone_surrogate_is_counted_like_any_letter() -> None:
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


def test_schema_counts() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    assert upper_bound(asks("hi", options=Options(response_format=schema))) > upper_bound(asks("hi")) + 64


def test_earlier_tool_calls_count() -> None:
    call = Message(Role.ASSISTANT, (), (ToolCall("1", "weather", '{"city": "Hanoi"}' * 50),))
    request = ChatRequest("r", "auto", (says(Role.USER, "hi"), call))
    assert estimate(request) > 150
    assert upper_bound(request) > 17 * 50


def test_pictures_are_added_to_the_estimate_and_the_bound() -> None:
    bare, pictured = asks("hi"), asks("hi", images=(PNG, PNG))
    assert estimate(pictured, "gemini-2.5-flash") - estimate(bare, "gemini-2.5-flash") == 2200
    assert upper_bound(pictured) - upper_bound(bare) == 32_000


def spaced(spaces: int, length: int) -> str:
    return "x" * (length - spaces) + " " * spaces


def test_text_is_packed_with_less_than_a_space_in_forty_characters() -> None:
    assert text_size(spaced(9, 401)).script == text_size(spaced(10, 401)).script == "packed"
    assert text_size(spaced(11, 401)).script == text_size(spaced(0, 400)).script == "plain"


def test_text_is_code_with_more_than_a_mark_in_nine_characters() -> None:
    assert text_size("{" * 10 + "x" * 80).script == "plain"
    assert text_size("{" * 11 + "x" * 80).script == "code"


def test_script_is_foreign_from_an_eighth_of_its_bytes() -> None:
    assert text_size("\u00e9" * 4 + "x" * 57).script == "plain"
    assert text_size("\u00e9" * 4 + "x" * 56).script == "accented"


def test_script_is_that_of_the_majority_of_foreign_bytes() -> None:
    assert text_size("\u4e2d" * 5).script == "ideographs"
    assert text_size("\u4e2d" * 2 + "\u00e9" * 4).script == "accented"
    assert text_size("\U0001f600" * 3 + "\u4e2d").script == "emoji"


@pytest.mark.parametrize(
    ("options", "images", "plain"),
    [
        (Options(), (), True),
        (Options(), (PNG,), False),
        (Options(tools=(Tool("t"),)), (), False),
        (Options(response_format={"type": "json_object"}), (), False),
    ],
)
def test_request_is_plain_with_nothing_but_text(options: Options, images: tuple[Image, ...], plain: bool) -> None:
    assert measure(asks("hi", options=options, images=images)).is_plain is plain


def test_measure_has_the_script_of_the_longest_text() -> None:
    request = ChatRequest("r", "auto", (says(Role.SYSTEM, "be brief"), says(Role.USER, "\u4e2d" * 9)))
    found = measure(request)
    assert (found.script, found.overhead_tokens) == ("ideographs", 2 * 16 + 64)
    assert (found.tokens, found.most_tokens) == (estimate(request), upper_bound(request))


def test_short_texts_are_sized_together() -> None:
    texts = [f"This is message number {number}. " for number in range(40)]
    many = measure(ChatRequest("1", "auto", tuple(says(Role.USER, text) for text in texts)))
    whole = text_size("".join(texts))
    assert (many.tokens, many.script) == (whole.tokens + 4 * 40 + 3, "plain")
    assert many.most_tokens == whole.bytes + 40 + many.overhead_tokens


def test_script_is_that_of_a_long_text_beside_short_ones() -> None:
    code = "f(x[0]) = {y: [1]}; " * 100
    assert measure(ChatRequest("1", "auto", (says(Role.USER, "Explain this"), says(Role.USER, code)))).script == "code"


def test_long_text_is_measured_once_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_counts, "_MOST_SIZES", 2)
    sizes: dict[tuple[int, int], TextSize] = {}
    monkeypatch.setattr(token_counts, "_sizes", sizes)
    texts = ["Biển xanh. " * count for count in (200, 300, 400)]
    measured = [measure(asks(text)).tokens for text in texts]
    assert len(sizes) == 2
    assert not any(isinstance(each, str) for key in sizes for each in key)
    assert measured == [measure(asks(text)).tokens for text in texts]
    assert known_size(texts[0]) == text_size(texts[0])
    assert known_size(texts[0]) is known_size(texts[0])
