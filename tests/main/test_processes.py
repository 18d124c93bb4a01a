"""The parts of a process, and the settings that they need."""

from pathlib import Path

import pytest

from main.processes import has_work, missing_setting, takes_updates
from main.settings import read


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"OPENAI_API_KEY": "k"}, "ADMIN_API_KEY"),
        ({"OPENAI_API_KEY": "k", "ADMIN_API_KEY": "a" * 32}, ""),
        ({"TELEGRAM_BOT_TOKEN": "1:a"}, ""),
    ],
)
def test_server_without_a_way_to_make_keys_names_the_setting(
    tmp_path: Path, variables: dict[str, str], expected: str
) -> None:
    sentence = missing_setting(read(variables, tmp_path / ".env"))
    assert (expected in sentence) if expected else sentence == ""


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, False),
        ({"OPENAI_API_KEY": "k"}, True),
        ({"TELEGRAM_BOT_TOKEN": "1:a"}, True),
        ({"LOCAL_BASE_URL": "http://127.0.0.1:1/v1"}, True),
    ],
)
def test_token_key_or_keyless_server_is_work(tmp_path: Path, variables: dict[str, str], *, expected: bool) -> None:
    assert has_work(read({"FARTHING_CONFIG": str(tmp_path / "none.toml"), **variables}, tmp_path / ".env")) is expected


def test_keyless_provider_of_the_config_is_work(tmp_path: Path) -> None:
    path = tmp_path / "farthing.toml"
    path.write_text('[providers.box]\nbase_url = "http://127.0.0.1:1/v1"\n')
    assert has_work(read({"FARTHING_CONFIG": str(path)}, tmp_path / ".env"))


@pytest.mark.parametrize(("variables", "expected"), [({}, False), ({"BOX_SECRET": "k"}, True)])
def test_key_of_key_env_is_work(tmp_path: Path, variables: dict[str, str], *, expected: bool) -> None:
    path = tmp_path / "farthing.toml"
    path.write_text('[providers.box]\nbase_url = "http://127.0.0.1:1/v1"\nkey_env = "BOX_SECRET"\n')
    assert has_work(read({"FARTHING_CONFIG": str(path), **variables}, tmp_path / ".env")) is expected


@pytest.mark.parametrize(
    ("parts", "variables", "expected"),
    [
        ({"bot", "web", "clock"}, {"TELEGRAM_BOT_TOKEN": "1:a"}, True),
        ({"bot", "web", "clock"}, {"PUBLIC_URL": "https://f.test"}, False),
        ({"web"}, {"TELEGRAM_BOT_TOKEN": "1:a"}, False),
        ({"web"}, {"TELEGRAM_BOT_TOKEN": "1:a", "PUBLIC_URL": "https://f.test"}, True),
        ({"clock"}, {"TELEGRAM_BOT_TOKEN": "1:a", "PUBLIC_URL": "https://f.test"}, False),
    ],
)
def test_http_alone_takes_updates_by_webhook(
    tmp_path: Path, parts: set[str], variables: dict[str, str], *, expected: bool
) -> None:
    settings = read({"FARTHING_CONFIG": str(tmp_path / "none.toml"), **variables}, tmp_path / ".env")
    assert takes_updates(settings, frozenset(parts)) is expected
