"""Checks of request bodies."""

import pytest
from pydantic import ValidationError

from web.schemas import CreditIn, KeyIn, TenantIn


@pytest.mark.parametrize("name", ["", "x" * 201, "a\0b"])
def test_name_of_a_tenant_is_1_to_200_characters_without_nul(name: str) -> None:
    with pytest.raises(ValidationError):
        TenantIn(name=name)


def test_unknown_fields_are_ignored() -> None:
    assert TenantIn.model_validate({"name": "x" * 200, "colour": "red"}).plan == "free"


@pytest.mark.parametrize("tokens", [0, -1, 10**15 + 1, "5", 1.5, True])
def test_limit_of_a_key_is_a_positive_integer(tokens: object) -> None:
    with pytest.raises(ValidationError):
        KeyIn.model_validate({"tokens_per_month": tokens})


def test_key_needs_neither_name_nor_limit() -> None:
    made = KeyIn.model_validate({})
    assert (made.name, made.tokens_per_month) == ("", None)


def test_credit_needs_a_reason() -> None:
    with pytest.raises(ValidationError):
        CreditIn(usd="1", reason="")
