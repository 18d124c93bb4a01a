from typing import Any

import pytest

from engine.providers.leaks.loose_values import members_at, value_at


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, -2.5, true, null], "b": {}}', {"a": [1, -2.5, True, None], "b": {}}),
        ("{'a': 'it\\'s', 'b': \"x\", 'c': None}", {"a": "it's", "b": "x", "c": None}),
        ("{a: Hà Nội, b: 12:30, c: http://x/y}", {"a": "Hà Nội", "b": "12:30", "c": "http://x/y"}),
        ('{a:<|"|>x}, "y"<|"|>,b:<escape>z<escape>}', {"a": 'x}, "y"', "b": "z"}),
        ('{"a": "two\nlines",}', {"a": "two\nlines"}),
        ('{"a": "\\d+"}', {"a": "\\d+"}),
        ("[007, 1e3]", ["007", 1000.0]),
        ('{"a": "say \\"no\\""}', {"a": 'say "no"'}),
        ("{'a': 'say \"no\"'}", {"a": 'say "no"'}),
    ],
)
def test_loosely_written_values_are_read(text: str, value: Any) -> None:
    assert value_at(text, 0) == (value, len(text))


@pytest.mark.parametrize("text", ["", "{", "[1", "{a}", "{a: }", '{"a" 1}', '["1" 2]', "'x", "[" * 1000, "{a:" * 1000])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no |deep"):
        value_at(text, 0)


def test_properties_may_be_arguments_of_a_function() -> None:
    assert members_at("f(a=1, b=[x])!", 2, ")", "=") == ({"a": 1, "b": ["x"]}, 13)
