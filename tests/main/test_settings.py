"""The environment and `.env`, read once."""

from pathlib import Path

import pytest

from main.config_faults import ConfigError
from main.settings import KEY_CHARACTERS, Environment, read


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


def test_key_env_names_the_variable_of_the_keys(tmp_path: Path) -> None:
    path = tmp_path / "farthing.toml"
    path.write_text('[providers.box]\nbase_url = "https://user:url-pass@box/v1"\nkey_env = "BOX_SECRET"\n')
    settings = read({"FARTHING_CONFIG": str(path), "BOX_SECRET": "one-key,two-key"}, tmp_path / ".env")
    assert [key.get_secret_value() for key in settings.provider("box").keys] == ["one-key", "two-key"]
    assert {"one-key", "two-key", "url-pass"} <= set(settings.secrets())


@pytest.mark.parametrize(
    ("variables", "secrets"),
    [
        ({"DATABASE_URL": "postgres://farthing:p%40ss-word@db/x"}, {"p%40ss-word", "p@ss-word"}),
        ({"DATABASE_URL": "postgres://farthing:p@ss/word@db/x"}, {"p@ss/word"}),
        ({"DATABASE_URL": "postgresql://db/x?user=u&sslpassword=tls-pass"}, {"tls-pass"}),
        ({"TELEGRAM_PROXY": "socks5://me:proxy-pass@127.0.0.1:1080"}, {"proxy-pass"}),
        ({"GEMINI_PROXY": "http://lone-user-key@proxy:3128"}, {"lone-user-key"}),
        ({"HTTPS_PROXY": "http://me:proxy-pass@proxy:3128"}, {"proxy-pass"}),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20otlp-key,x=other-key"}, {"otlp-key", "other-key"}),
        ({"GROQ_API_KEY": "key-one"}, {"key-one"}),
    ],
)
def test_keys_and_credentials_of_addresses_are_secrets(
    tmp_path: Path, variables: dict[str, str], secrets: set[str]
) -> None:
    assert secrets <= set(read(variables, tmp_path / ".env").secrets())


@pytest.mark.parametrize("database", ["sqlite:///farthing.db", "postgresql://farthing@localhost/farthing"])
def test_address_without_credentials_is_no_secret(tmp_path: Path, database: str) -> None:
    variables = {"OPENAI_BASE_URL": "https://api.openai.com/v1", "DATABASE_URL": database}
    assert set(read(variables, tmp_path / ".env").secrets()) <= {""}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("ADMIN_API_KEY", "a" * 23),
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


@pytest.mark.parametrize("name", [*map(str.upper, Environment.model_fields), "DEEPSEEK_API_KEY", "GEMINI_PROXY"])
def test_empty_variable_counts_as_unset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for each in Environment.model_fields:
        monkeypatch.delenv(each.upper(), raising=False)
    unset = read(env_file=tmp_path / ".env")
    monkeypatch.setenv(name, "")
    assert read(env_file=tmp_path / ".env").env == unset.env
    (tmp_path / ".env").write_text(f"{name}=\n")
    assert read(env_file=tmp_path / ".env").env == unset.env
    assert unset.env == Environment()


@pytest.mark.parametrize(
    ("name", "value"),
    [("DEEPSEEK_BASE_URL", "not-an-url"), ("DEEPSEEK_BASE_URL", "https:///v1"), ("DEEPSEEK_PROXY", "proxy.local:3128")],
)
def test_invalid_address_of_a_provider_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"environment: {name}: expected an address"):
        read({name: value}, tmp_path / ".env").provider("deepseek")


@pytest.mark.parametrize(
    "key", ["schl\u00fcssel", "sk one", "sk-\u200bcopied", '"sk-quoted"', "'sk-quoted'", "good,sk one"]
)
@pytest.mark.parametrize("name", ["TELEGRAM_BOT_TOKEN", "ADMIN_API_KEY", "DEEPSEEK_API_KEY", "GEMINI_API_KEY"])
def test_key_that_no_request_can_carry_is_named_and_not_shown(tmp_path: Path, name: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read({name: key}, tmp_path / ".env").provider(name.partition("_")[0].lower())
    assert str(caught.value) == f"environment: {name}: expected {KEY_CHARACTERS}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("A=1\nDEEPSEEK_API_KEY sk-secret\n=sk-secret\n", [2, 3]),
        ("A=1\n\n# note\nB='sk-secret\n", [4]),
        ('export A="1"\n# note\n\nB=\nC\nD=1 # note\n', []),
    ],
)
def test_line_of_the_file_that_can_not_be_read_is_named_and_not_shown(
    tmp_path: Path, text: str, lines: list[int]
) -> None:
    path = tmp_path / ".env"
    path.write_text(text)
    if not lines:
        assert read({}, path).variables["A"] == "1"
        return
    with pytest.raises(ConfigError) as caught:
        read({}, path)
    assert str(caught.value).splitlines() == [f"{path}: line {line}: expected NAME=value" for line in lines]


def test_file_of_no_text_or_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes("A=1".encode("utf-16"))
    (tmp_path / "folder").mkdir()
    for path in tmp_path.iterdir():
        with pytest.raises(ConfigError, match=f"{path}: it can't be read"):
            read({}, path)
