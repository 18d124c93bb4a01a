"""Checks of request bodies."""

import pytest
from pydantic import ValidationError

from web.schemas import CreditIn, TenantIn


@pytest.mark.parametrize("name", ["", "x" * 201, "a\0b"])
def test_name_of_a_tenant_is_1_to_200_characters_without_nul(name: str) -> None:
    with pytest.raises(ValidationError):
        TenantIn(name=name)


def test_unknown_fields_are_ignored() -> None:
    assert TenantIn.model_validate({"name": "x" * 200, "colour": "red"}).plan == "free"


def test_credit_needs_a_reason() -> None:
    with pytest.raises(ValidationError):
        CreditIn(usd="1", reason="")
