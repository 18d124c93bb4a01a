import pytest

from engine.providers.streams.whole_objects import has_grown, is_object, is_same


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{"a": 1}'),
        ('{"city":"Pa"}', '{"city":"Paris"}'),
        ('{"city":"Paris"}', '{"city":"Paris","day":""}'),
        ('{"a":{"b":"x"}}', '{"a":{"b":"xy","c":[]}}'),
        ('{"a":["x"]}', '{"a":["xy","z"]}'),
        ('{"n":1}', '{"n":12}'),
        ('{"a":null}', '{"a":"x"}'),
        ('{"a":1}', ' {"a":1, "b":2}'),
    ],
)
def test_object_grows_while_its_values_are_written(before: str, after: str) -> None:
    assert has_grown(before, after)
    assert not has_grown(after, before)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"city":"Paris"}', '{"city":"Rome"}'),
        ('{"city":"Rome"}', '{"city":"Paris"}'),
        ('{"a":1}', '{"b":1,"c":2}'),
        ('{"a":1}', '{"a": 1}'),
        ('{"a":["x","y"]}', '{"a":["xxxxxxx"]}'),
        ('{"a":true}', '{"a":"true"}'),
        ('{"a":1}', '{"a":1,"b":'),
        ("[1]", '{"a":1}'),
        ('{"a":1}', '{"a":1}}}}}}'),
    ],
)
def test_other_object_has_not_grown(before: str, after: str) -> None:
    assert not has_grown(before, after)


def test_same_object_may_be_written_in_another_way() -> None:
    assert is_same("x", "x")
    assert is_same('{"a":1,"b":2}', '{"b": 2, "a": 1}')
    assert not is_same('{"a":1}', '{"a":2}')
    assert not is_same("[1]", "[1 ]")
    assert not is_same('{"a":1}', '{"a":1' + " " * 200 + "}")


def test_only_one_complete_object_is_an_object() -> None:
    assert [is_object(text) for text in ("{}", ' {"a":1} ', "[]", "{", "{}{}", "")] == [True, True, *[False] * 4]
