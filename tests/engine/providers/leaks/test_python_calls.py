import pytest

from engine.providers.leaks.python_calls import MOST_CALLS, gemma_call, python_calls


def test_calls_in_a_list_or_one_after_another_are_read() -> None:
    two = [("a", {"x": 1}), ("b.c", {})]
    assert python_calls("[a(x=1), b.c()]!", 0) == (two, 15)
    assert python_calls("a(x=1)\nb.c()\n", 0) == (two, 13)
    assert python_calls("print(a(x=1))", 0) == (two[:1], 13)


@pytest.mark.parametrize("text", ["", "a", "[a(x=1)", "a(1)", "print(a(x=1)"])
def test_other_texts_have_no_calls(text: str) -> None:
    with pytest.raises(ValueError, match="no "):
        python_calls(text, 0)


def test_calls_are_limited() -> None:
    with pytest.raises(ValueError, match="over"):
        python_calls("a()" * (MOST_CALLS + 1), 0)


def test_calls_of_gemma_have_braces() -> None:
    assert gemma_call("call:a{x:1}", 0) == ("a", {"x": 1}, 11)
    with pytest.raises(ValueError, match="no call"):
        gemma_call("call a{x:1}", 0)
