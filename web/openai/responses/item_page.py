"""ItemPage: the part of a response's input that GET /v1/responses/{response_id}/input_items returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from web.errors import bad_request, not_found

MOST_ITEMS, PLAIN_ITEMS = 100, 20
_ORDERS = ("desc", "asc")
_MOST_NUMBER_CHARS = 9


@dataclass(frozen=True, slots=True)
class ItemPage:
    """At most `limit` items, those right after the item `after`; the newest first unless `is_ascending`."""

    limit: int = PLAIN_ITEMS
    after: str | None = None
    is_ascending: bool = False

    @classmethod
    def asked_in(cls, query: Mapping[str, str]) -> "ItemPage":
        """Read the query of a request. Raises HttpProblem 400."""
        order = query.get("order", "desc")
        if order not in _ORDERS:
            raise bad_request("order", f"order: must be one of {', '.join(_ORDERS)}")
        limit = query.get("limit", str(PLAIN_ITEMS))
        is_number = limit.isascii() and limit.isdecimal() and len(limit) <= _MOST_NUMBER_CHARS
        if not is_number or not 1 <= int(limit) <= MOST_ITEMS:
            raise bad_request("limit", f"limit: must be a whole number from 1 to {MOST_ITEMS}")
        return cls(int(limit), query.get("after"), order == "asc")

    def of(self, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the page of `items`, which are oldest first, as a list in OpenAI's shape. Raises HttpProblem 404."""
        ordered = list(items) if self.is_ascending else list(reversed(items))
        if self.after is not None:
            ordered = ordered[self._place([item["id"] for item in ordered]) + 1 :]
        page = ordered[: self.limit]
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
        return {"object": "list", "data": page, "has_more": len(ordered) > len(page), **ends}

    def _place(self, ids: Sequence[str]) -> int:
        if self.after not in ids:
            raise not_found("after: this response's input has no item of this id.")
        return ids.index(self.after)
