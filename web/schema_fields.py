"""Types of fields in request bodies. Each checks its value, and is described in /openapi.json just as strictly."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from engine.catalog.model_names import MOST_NAME_CHARS


class In(BaseModel):
    """A request body. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")


def utc_text(moment: datetime) -> str:
    """Return a UTC time in RFC 3339, ending in Z."""
    return moment.isoformat().replace("+00:00", "Z")


def _plain(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    return text


def _usd_change(text: str) -> str:
    if not _USD_CHANGE.fullmatch(text):
        raise ValueError("must be an exact decimal from -1000000 to 1000000, not zero, with at most 9 decimals")
    return text


def _text_of_moment(value: object) -> object:
    """Accept only text: pydantic would read a bare number as seconds since 1970."""
    if value is not None and not isinstance(value, str):
        raise ValueError("must be a time in RFC 3339 with its offset, such as 2026-12-31T00:00:00Z")
    return value


def _utc(moment: datetime | None) -> datetime | None:
    """Return the moment in UTC, limited to the years 1 to 9999."""
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == 1 else _LAST


def _whole(value: object) -> object:
    """Return a whole float as an integer, because JSON does not distinguish 5 from 5.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _distinct(models: list[str]) -> list[str]:
    return list(dict.fromkeys(models))


_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_USD_CHANGE = re.compile(r"-?(?!0+(\.0+)?$)(1000000(\.0{1,9})?|[0-9]{1,6}(\.[0-9]{1,9})?)", re.ASCII)
_NO_NUL = {"pattern": "^[^\\u0000]*$"}

Plain = Annotated[str, AfterValidator(_plain), Field(json_schema_extra=_NO_NUL)]
"""Text without NUL, which PostgreSQL does not accept."""
UsdChange = Annotated[
    str,
    AfterValidator(_usd_change),
    Field(
        description="USD to add, an exact decimal in a string; below zero to take, and what the wallet lacks is owed",
        examples=["5.00"],
        json_schema_extra={"pattern": f"^{_USD_CHANGE.pattern}$"},
    ),
]
Expiry = Annotated[
    AwareDatetime | None,
    BeforeValidator(_text_of_moment),
    AfterValidator(_utc),
    Field(description="The moment from which the key is refused, in RFC 3339; null: it stays valid"),
]
KeyModels = Annotated[
    Annotated[
        list[Annotated[Plain, Field(min_length=1, max_length=MOST_NAME_CHARS)]],
        Field(min_length=1, max_length=100),
        AfterValidator(_distinct),
    ]
    | None,
    Field(description="The names that the key may ask for; null: every one of the plan"),
]
_WholeFloats = BeforeValidator(_whole)
Tokens = Annotated[
    Annotated[int, Field(gt=0, le=10**15, strict=True), _WholeFloats] | None,
    Field(description="Of the calendar month, in UTC"),
]
Requests = Annotated[
    Annotated[int, Field(gt=0, le=10**6, strict=True), _WholeFloats] | None,
    Field(description="Within the limit of the plan"),
]
Usd = Annotated[str, Field(description="USD, exact to the nano-dollar", examples=["12.50"])]
