"""The list of models in Anthropic's shape: GET /v1/models for a client that sends `anthropic-version`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from web.errors import not_found

CREATED_AT = "2026-01-01T00:00:00Z"  # Anthropic's clients require a creation time; our models have none


class AnthropicModel(BaseModel):
    """A model in Anthropic's shape. Limits are not listed, because they depend on the offer that answers."""

    type: Literal["model"] = "model"
    id: str
    display_name: str
    created_at: str
    lifecycle: Literal["active"] = "active"
    deprecated_at: None = None
    retires_at: None = None
    line: None = None
    max_input_tokens: None = None
    max_tokens: None = None
    capabilities: None = None


class AnthropicModelList(BaseModel):
    """A page of models. `has_more`: there are more in the direction of paging."""

    data: list[AnthropicModel]
    has_more: bool
    first_id: str | None
    last_id: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """The page to list: at most `limit` models, the ones after the model `after_id` or before the model `before_id`."""

    limit: int
    after_id: str | None = None
    before_id: str | None = None

    def of(self, names: Sequence[str]) -> AnthropicModelList:
        """Return this page of the models that a key may request.

        Raises HttpProblem 404 for an id that is not listed.
        """
        found = list(names)
        if self.before_id is not None:
            found = found[: _place(found, "before_id", self.before_id)]
        if self.after_id is not None:
            found = found[_place(found, "after_id", self.after_id) + 1 :]
        goes_back = self.before_id is not None and self.after_id is None
        page = found[-self.limit :] if goes_back else found[: self.limit]
        return AnthropicModelList(
            data=[model_out(name) for name in page],
            has_more=len(found) > len(page),
            first_id=page[0] if page else None,
            last_id=page[-1] if page else None,
        )


def model_out(name: str) -> AnthropicModel:
    return AnthropicModel(id=name, display_name=name, created_at=CREATED_AT)


def _place(names: Sequence[str], field: str, name: str) -> int:
    if name not in names:
        raise not_found(f"{field}: the model {name!r} is not in the list; see GET /v1/models.")
    return names.index(name)
