import pytest

from engine.providers.leaks.end_tokens import end_tokens_at, held_from, is_about_tokens, is_in_code


@pytest.mark.parametrize(
    ("text", "start"),
    [("", 0), ("abc", 3), ("a <", 2), ("a <b", 4), ("a <|im_", 2), ("a </s> \n<|im", 2), ("a </s> b", 8), ("<</s>", 1)],
)
def test_held_text_begins_at_the_first_possible_token(text: str, start: int) -> None:
    assert held_from(text) == start


def test_long_runs_of_tokens_are_read_in_one_pass() -> None:
    assert held_from("<|im_end|>" * 100_000 + "x") == 1_000_001


def test_only_whole_tokens_count_as_the_end() -> None:
    assert end_tokens_at("a</s>\n") == (1, frozenset({"</s>"}))
    assert end_tokens_at("a</s") == (4, frozenset())


@pytest.mark.parametrize(
    ("before", "is_about"), [("It is: ", True), ("He said “", True), ("Yes.", False), ("`x", True), ("a <s>b", True)]
)
def test_texts_that_introduce_a_token_are_about_it(before: str, is_about: bool) -> None:
    assert is_about_tokens(before, frozenset({"</s>"})) is is_about


def test_code_is_open_until_its_fence_or_backtick() -> None:
    assert is_in_code("```\nx")
    assert is_in_code("a `b")
    assert not is_in_code("```\nx\n``` `b`")
