"""Pages of models in Anthropic's shape."""

import pytest

from web.errors import HttpProblem
from web.model_pages import Page

NAMES = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    ("page", "ids", "has_more"),
    [
        (Page(5), "abcde", False),
        (Page(4), "abcd", True),
        (Page(2, after_id="b"), "cd", True),
        (Page(3, after_id="b"), "cde", False),
        (Page(2, before_id="d"), "bc", True),
        (Page(3, before_id="d"), "abc", False),
        (Page(9, after_id="a", before_id="d"), "bc", False),
        (Page(1, after_id="a", before_id="d"), "b", True),
        (Page(2, after_id="e"), "", False),
    ],
)
def test_page_is_beside_the_model_that_is_named(page: Page, ids: str, has_more: bool) -> None:
    found = page.of(NAMES)
    assert "".join(each.id for each in found.data) == ids
    assert found.has_more is has_more
    assert (found.first_id, found.last_id) == ((ids[0], ids[-1]) if ids else (None, None))


@pytest.mark.parametrize("page", [Page(1, after_id="x"), Page(1, before_id="x"), Page(1, after_id="d", before_id="b")])
def test_model_that_is_not_listed_is_not_found(page: Page) -> None:
    with pytest.raises(HttpProblem) as caught:
        page.of(NAMES)
    assert caught.value.status == 404
