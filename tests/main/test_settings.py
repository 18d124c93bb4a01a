"""The environment and `.env`, read once."""

from pathlib import Path

import pytest

from main.config import ConfigError
from main.settings import read


def test_environment_overrides_the_file_and_empty_values_are_unset(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nHOST=0.0.0.0\nADMIN_IDS=1, 2\n")
    env = read({"PORT": "9001", "HOST": ""}, tmp_path / ".env").env
    assert (env.port, env.host, env.admin_ids) == (9001, "0.0.0.0", (1, 2))


def test_several_keys_are_several_secrets(tmp_path: Path) -> None:
    settings = read({"GEMINI_API_KEY": "key-one, key-two"}, tmp_path / ".env")
    keys = settings.provider("gemini").keys
    assert [key.get_secret_value() for key in keys] == ["key-one", "key-two"]
    assert settings.secrets() == ("key-one", "key-two")
    assert "key-one" not in repr(keys)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("ADMIN_IDS", "me"),
        ("DATABASE_URL", "mysql://x"),
        ("PUBLIC_URL", "http://plain.example"),
        ("TELEGRAM_API_URL", "telegram.org"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("SANDBOX_PORT", "no"),
    ],
)
def test_wrong_value_is_reported_by_its_variable_only(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read({name: value}, tmp_path / ".env")
    assert str(caught.value).startswith(f"environment: {name}: ")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("DEEPSEEK_BASE_URL", "not-an-url"), ("DEEPSEEK_BASE_URL", "https:///v1"), ("DEEPSEEK_PROXY", "proxy.local:3128")],
)
def test_invalid_address_of_a_provider_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"environment: {name}: expected an address"):
        read({name: value}, tmp_path / ".env").provider("deepseek")
