"""The settings: the environment, `.env` and farthing.toml, read once. Only main reads them."""

import io
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from main.config import Config, load
from main.config_faults import ConfigError, explain

ENV_FILE = Path(".env")
ADMIN_KEY_CHARS = 24
MOST_ID_DIGITS = 18
TELEGRAM_API = "https://api.telegram.org"
_SECRET_ENDINGS = ("_API_KEY", "_TOKEN", "_PASSWORD")
_ADDRESS_ENDINGS = ("_URL", "_PROXY", "_ENDPOINT")
KEY_CHARACTERS = "a key of visible ASCII characters, without spaces and quotes"
"""The text of an error about a key or a token. `docker run --env-file` keeps quotes, which .env may have elsewhere."""
_KEY = re.compile(r"""(?!["'])[!-~]+(?<!["'])""")


def comma_separated(text: str) -> tuple[str, ...]:
    """Return the parts of `text`, trimmed, without empty ones."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


class Environment(BaseModel):
    """The variables of .env.example except the providers'. An empty value counts as unset."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    telegram_bot_token: SecretStr | None = None
    telegram_api_url: str = Field(TELEGRAM_API, pattern=r"^https?://")
    telegram_proxy: str = Field("", pattern=r"^((https?|socks5h?)://\S+)?$")
    admin_ids: tuple[int, ...] = ()
    database_url: str = Field("sqlite:///farthing.db", pattern=r"^(sqlite|postgres|postgresql)://")
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    public_url: str = Field("", pattern=r"^(https://\S+)?$")
    admin_api_key: SecretStr | None = None
    farthing_config: Path = Path("farthing.toml")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"
    otel_exporter_otlp_endpoint: str = Field("", pattern=r"^(https?://\S+)?$")
    otel_exporter_otlp_headers: SecretStr = SecretStr("")
    sandbox_port: int = Field(8090, ge=0, le=65535)

    @field_validator("admin_ids", mode="before")
    @classmethod
    def split_ids(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = comma_separated(value)
        if not all(part.isascii() and part.isdecimal() and len(part) <= MOST_ID_DIGITS for part in parts):
            raise ValueError("a list of Telegram user ids, comma separated, such as 12345,67890")
        return tuple(int(part) for part in parts)

    @field_validator("telegram_bot_token", "admin_api_key")
    @classmethod
    def can_be_sent(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _KEY.fullmatch(value.get_secret_value()):
            raise ValueError(KEY_CHARACTERS)
        return value

    @field_validator("admin_api_key")
    @classmethod
    def hard_to_guess(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < ADMIN_KEY_CHARS:
            raise ValueError(f"at least {ADMIN_KEY_CHARS} characters, such as those of `openssl rand -hex 24`")
        return value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def any_case(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        return value.upper() if info.field_name == "log_level" else value.lower()


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The environment's settings for one provider. `keys` are secrets, which are never shown."""

    name: str
    keys: tuple[SecretStr, ...] = ()
    base_url: str | None = None
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    env: Environment
    config: Config
    variables: Mapping[str, str]

    def provider(self, name: str) -> ProviderSettings:
        """Read `<NAME>_API_KEY` (or the variable of `key_env`), `<NAME>_BASE_URL` and `<NAME>_PROXY`.

        Raises ConfigError.
        """
        upper, section = name.upper().replace("-", "_"), self.config.providers.get(name)
        key_env = section.key_env if section is not None else ""
        variable = key_env or f"{upper}_API_KEY"
        keys = comma_separated(self.variables.get(variable, ""))
        if not all(map(_KEY.fullmatch, keys)):
            raise ConfigError(f"environment: {variable}: expected {KEY_CHARACTERS}")
        return ProviderSettings(
            name,
            tuple(map(SecretStr, keys)),
            self._address(f"{upper}_BASE_URL", "http", "https"),
            self._address(f"{upper}_PROXY", "http", "https", "socks5", "socks5h"),
        )

    def _address(self, variable: str, *schemes: str) -> str | None:
        address = self.variables.get(variable) or None
        if address and not re.match(rf"({'|'.join(schemes)})://[^/\s]", address):
            raise ConfigError(f"environment: {variable}: expected an address with {' or '.join(schemes)}://")
        return address

    @property
    def token(self) -> str:
        """The bot's token; "" if none is set."""
        return self.env.telegram_bot_token.get_secret_value() if self.env.telegram_bot_token else ""

    @property
    def admin_key(self) -> str:
        return self.env.admin_api_key.get_secret_value() if self.env.admin_api_key else ""

    def secrets(self) -> tuple[str, ...]:
        """Return the values that no log may show: keys, tokens, and the credentials in all addresses."""
        return (*self._keys(), *self._credentials())

    def _keys(self) -> Iterator[str]:
        key_envs = {section.key_env for section in self.config.providers.values()}
        for name, value in self.variables.items():
            if name in key_envs or name.endswith(_SECRET_ENDINGS):
                yield from comma_separated(value)

    def _credentials(self) -> Iterator[str]:
        for name, value in self.variables.items():
            if name.upper().endswith(_ADDRESS_ENDINGS):
                yield from credentials(value)
            elif name.endswith("_HEADERS"):
                yield from (word for part in comma_separated(value) for word in unquote(part.partition("=")[2]).split())
        for section in self.config.providers.values():
            yield from credentials(section.base_url)


def credentials(address: str) -> Iterator[str]:
    """Yield the secrets in an address, as written and decoded: its password (or lone user), and secret parameters.

    PostgreSQL's lone user is an account's name, such as `farthing`, and no secret. A password may contain "@" or "/" by
    mistake, so it extends to the last "@".
    """
    user, colon, password = address.partition("://")[2].rpartition("@")[0].partition(":")
    lone = [] if address.startswith("postgres") else [user.partition("/")[0]]
    written = [password] if colon else lone
    written += re.findall(r"[?&]\w*(?:password|token|secret|key)=([^&#]+)", address, re.IGNORECASE)
    for each in written:
        yield each
        yield unquote(each)


def read(environ: Mapping[str, str] | None = None, env_file: Path = ENV_FILE) -> Settings:
    """Read the settings; the environment overrides `env_file`. Raises ConfigError with one line per fault."""
    environ = os.environ if environ is None else environ
    variables = {**_read_file(env_file), **{key: value for key, value in environ.items() if value}}
    known = {key.lower(): value for key, value in variables.items() if key.lower() in Environment.model_fields}
    try:
        env = Environment.model_validate(known)
    except ValidationError as error:
        raise ConfigError(explain("environment", error, str.upper)) from error
    return Settings(env, load(env.farthing_config), variables)


def _read_file(env_file: Path) -> dict[str, str]:
    """Return the variables of the file that have a value. Raises ConfigError without the lines' text."""
    try:
        text = env_file.read_text(encoding="utf-8") if env_file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{env_file}: it can't be read as UTF-8 text: {error}") from error
    wrong = [each.original.line for each in parse_stream(io.StringIO(text)) if each.error]
    if wrong:
        raise ConfigError("\n".join(f"{env_file}: line {line}: expected NAME=value" for line in wrong))
    return {key: value for key, value in dotenv_values(stream=io.StringIO(text)).items() if value}
