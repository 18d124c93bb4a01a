from typing import Any

import pytest

from web.pipeline.unserved import unserved_fields

UNSERVED = {"tier": ("auto",), "search": (), "kinds": (["text"],)}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"model": "auto"}, ()),
        ({"tier": "auto", "kinds": ["text"], "search": None}, ()),
        ({"search": {}, "tier": "flex", "kinds": ["audio"]}, ("tier", "search", "kinds")),
        ({"tier": ["auto"]}, ("tier",)),
    ],
)
def test_field_is_named_where_it_would_change_something(body: dict[str, Any], named: tuple[str, ...]) -> None:
    assert unserved_fields(body, UNSERVED) == named
