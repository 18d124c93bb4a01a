import pytest
from pydantic import ValidationError

from main.config import Config, FreeSection
from main.config_faults import explain


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"acess": {}}, "f.toml: acess: no such key; docs/configuration.md lists the existing keys"),
        ({"access": {"mode": "shut"}}, "f.toml: access.mode: input should be 'open', 'approval' or 'invite'"),
        (
            {"prices": {"a/b": {"input": 0.1, "output": "1"}}},
            "f.toml: prices.\"a/b\".input: expected an exact decimal in quotes, such as '0.14'",
        ),
        ({"privacy": {"keep_days": 0}}, "f.toml: privacy.keep_days: input should be greater than 0"),
        (
            {"providers": {"x": {"base_url": "http://x", "country": "Germany"}}},
            "f.toml: providers.x.country: string should match pattern '^([A-Z]{2})?$'",
        ),
    ],
)
def test_fault_is_told_as_file_key_and_expected_value(given: dict[str, object], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(given)
    assert explain("f.toml", caught.value) == line


def test_whole_file_and_a_spelling_of_the_caller() -> None:
    with pytest.raises(ValidationError) as caught:
        FreeSection.model_validate(3)
    assert explain("f.toml", caught.value).startswith("f.toml: (whole file): ")
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"access": {"mode": "shut"}})
    assert explain("environment", caught.value, str.upper).startswith("environment: ACCESS.MODE: ")
