from typing import Any

import pytest

from engine.errors import BadRequest
from web.pipeline.fields import Fields

GOOD: list[tuple[str, tuple[Any, ...], Any, Any]] = [
    ("text", (), "a", "a"),
    ("optional_text", (), None, None),
    ("optional_text", (), "", ""),
    ("integer", (1, 3), 1, 1),
    ("integer", (1, 3), 3, 3),
    ("integer", (1, 3), 3.0, 3),
    ("integer", (1, 3), None, None),
    ("number", (0, 2), 2, 2),
    ("number", (0, 2), 0.5, 0.5),
    ("number", (0, 2), None, None),
    ("choice", (("a", "b"),), "b", "b"),
    ("boolean", (), False, False),
    ("object", (), {"a": 1}, {"a": 1}),
    ("text_or_object", (), "a", "a"),
    ("text_or_object", (), {}, {}),
    ("text_or_list", (2,), "a", ("a",)),
    ("text_or_list", (2,), ["a", "b"], ("a", "b")),
    ("text_or_list", (2,), None, ()),
]
BAD: list[tuple[str, tuple[Any, ...], Any]] = [
    ("text", (), ""),
    ("text", (), None),
    ("text", (), 5),
    ("optional_text", (), 5),
    ("integer", (1, 3), 0),
    ("integer", (1, 3), 4),
    ("integer", (1, 3), True),
    ("integer", (1, 3), "2"),
    ("number", (0, 2), -0.1),
    ("number", (0, 2), 2.1),
    ("number", (0, 2), True),
    ("number", (0, 2), float("nan")),
    ("choice", (("a", "b"),), "c"),
    ("choice", (("a", "b"),), 1),
    ("boolean", (), "true"),
    ("object", (), []),
    ("text_or_object", (), 1),
    ("text_or_list", (2,), ["a", "b", "c"]),
    ("text_or_list", (2,), ["a", 1]),
    ("text_or_list", (2,), 5),
]


@pytest.mark.parametrize(("kind", "limits", "value", "expected"), GOOD)
def test_value_within_its_bounds_is_returned(kind: str, limits: tuple[Any, ...], value: Any, expected: Any) -> None:
    assert getattr(Fields({"x": value}), kind)("x", *limits) == expected


@pytest.mark.parametrize(("kind", "limits", "value"), BAD)
def test_other_value_is_refused_with_the_path_of_its_field(kind: str, limits: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        getattr(Fields({"x": value}, "messages.2"), kind)("x", *limits)
    assert refused.value.field == "messages.2.x"


@pytest.mark.parametrize(("items", "accepted"), [([{}], True), ([{}] * 2, True), ([], False), ([{}] * 3, False)])
def test_list_of_objects_has_a_bounded_length(*, items: list[Any], accepted: bool) -> None:
    fields = Fields({"x": items})
    if accepted:
        assert fields.list_of_objects("x", least=1, most=2) == items
    else:
        with pytest.raises(BadRequest):
            fields.list_of_objects("x", least=1, most=2)
    with pytest.raises(BadRequest):
        Fields({"x": [1]}).list_of_objects("x", most=2)


@pytest.mark.parametrize("value", [{}, {"a": "b"}, {"a" * 64: "b" * 512}, {str(n): "" for n in range(16)}, None])
def test_labels_are_returned(value: Any) -> None:
    assert Fields({"metadata": value}).labels("metadata") == value


@pytest.mark.parametrize("value", [[], {"a": 1}, {"a" * 65: "b"}, {"a": "b" * 513}, {str(n): "" for n in range(17)}])
def test_other_labels_are_refused(value: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        Fields({"metadata": value}).labels("metadata")
    assert refused.value.field == "metadata"
