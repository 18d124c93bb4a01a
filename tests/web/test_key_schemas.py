"""Checks of request bodies about API keys."""

import pytest
from pydantic import ValidationError

from storage.tenants.api_keys import KeySettings
from web.key_schemas import KeyChangeIn, KeyIn


@pytest.mark.parametrize("tokens", [0, -1, 10**15 + 1, "5", 1.5, True])
def test_limit_of_a_key_is_a_positive_integer(tokens: object) -> None:
    with pytest.raises(ValidationError):
        KeyIn.model_validate({"tokens_per_month": tokens})


def test_key_needs_neither_name_nor_limit() -> None:
    made = KeyIn.model_validate({})
    assert (made.name, made.tokens_per_month) == ("", None)
    assert made.settings() == KeySettings()


@pytest.mark.parametrize("requests", [0, -1, 10**6 + 1, "5", 1.5, True])
def test_rate_of_a_key_is_a_positive_integer(requests: object) -> None:
    with pytest.raises(ValidationError):
        KeyIn.model_validate({"requests_per_minute": requests})


@pytest.mark.parametrize("models", [[], [""], ["a\0"], ["x" * 201], ["x"] * 101, "auto", [5]])
def test_models_of_a_key_are_names(models: object) -> None:
    with pytest.raises(ValidationError):
        KeyIn.model_validate({"models": models})


def test_model_that_is_listed_twice_is_kept_once() -> None:
    assert KeyIn.model_validate({"models": ["smart", "auto", "smart"]}).settings().models == ("smart", "auto")


def test_change_has_only_the_given_settings() -> None:
    given = {"name": "ci", "models": ["auto"], "expires_at": None}
    assert KeyChangeIn.model_validate(given).changes() == {"name": "ci", "models": ("auto",), "expires_at": None}
    assert KeyChangeIn.model_validate({}).changes() == {}
    with pytest.raises(ValidationError):
        KeyChangeIn.model_validate({"name": None})


def test_whole_float_is_an_integer() -> None:
    made = KeyIn.model_validate({"tokens_per_month": 5.0, "requests_per_minute": 1e3})
    assert (repr(made.tokens_per_month), repr(made.requests_per_minute)) == ("5", "1000")
