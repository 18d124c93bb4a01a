"""Bodies of requests and responses about API keys."""

from typing import Any

from pydantic import BaseModel, Field

from storage.tenants.api_keys import KeySettings
from web.schema_fields import Expiry, In, KeyModels, Plain, Requests, Tokens


class KeyIn(In):
    """The settings of a key. If a limit is null or absent, the plan's limit applies."""

    name: Plain = Field("", max_length=100)
    tokens_per_month: Tokens = None
    requests_per_minute: Requests = None
    models: KeyModels = None
    expires_at: Expiry = None

    def settings(self) -> KeySettings:
        return KeySettings(**_settings(self, exclude_unset=False))


class KeyChangeIn(KeyIn):
    """The settings to change: an absent field stays unchanged, a null removes the limit."""

    def changes(self) -> dict[str, Any]:
        return _settings(self, exclude_unset=True)


def _settings(body: KeyIn, *, exclude_unset: bool) -> dict[str, Any]:
    found = body.model_dump(exclude_unset=exclude_unset)
    return found if found.get("models") is None else found | {"models": tuple(found["models"])}


class KeyOut(BaseModel):
    """A key without its secret. `used_tokens`: all tokens of this month; for a null limit, the plan's applies."""

    id: str
    name: str
    prefix: str
    tokens_per_month: int | None
    requests_per_minute: int | None
    models: list[str] | None
    expires_at: str | None
    used_tokens: int
    created_at: str
    last_used_at: str | None
    revoked_at: str | None


class NewKeyOut(KeyOut):
    key: str = Field(description="The secret, shown only in this answer")


class KeyList(BaseModel):
    data: list[KeyOut]
    next: None = None
