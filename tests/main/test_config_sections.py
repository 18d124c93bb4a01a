"""Wrong values for every key of farthing.toml: the start accepts the value, or names file and key without traceback."""

import typing
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from engine.money import Money
from main.config import Config
from main.config_faults import ConfigError
from main.engine_parts.catalog import all_specs, build_plans, check_offers
from main.settings import Settings, read

VALUES = (
    "true",
    "-1",
    "0",
    "1000000000000000000000000000000",
    "1.5",
    "1e-300",
    "1e308",
    "inf",
    "nan",
    '""',
    '"x"',
    '"1e999"',
    '"-1"',
    '"NaN"',
    '"1000000000000000000000"',
    "[]",
    "{}",
    "[[]]",
    '["x"]',
    '"\\u0000"',
    "1979-05-27",
)
OFFER = '"deepseek/deepseek-v4-flash"'
HEADS = {
    "models": ("[models.auto]", {"offers": f"[{OFFER}]", "usd_per_mtok": '"5"'}),
    "prices": (f"[prices.{OFFER}]", {"input": '"1"', "output": '"1"'}),
    "free": (f"[free.{OFFER}]", {"requests_per_minute": "1", "requests_per_day": "1"}),
    "providers": ("[providers.box]", {"base_url": '"http://x/v1"'}),
    "plans": ("[plans.free]", {}),
    "transcriber": ("[transcriber]", {"offer": '"openai/whisper-1"', "usd_per_minute": '"0.1"'}),
}
"""The header and the required keys of each section whose header is not simply its name."""


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_in(part)


def keys() -> Iterator[tuple[str, str]]:
    """Yield each section with each of its keys; "" for the section itself."""
    for name, field in Config.model_fields.items():
        yield name, ""
        for model in models_in(field.annotation):
            yield from ((name, key) for key in model.model_fields)


def text_of(section: str, key: str, value: str) -> str:
    head, needed = HEADS.get(section, (f"[{section}]", {}))
    if not key:
        return f"{section} = {value}\n"
    lines = {**needed, key: value}
    return "\n".join([head, *(f"{name} = {each}" for name, each in lines.items())]) + "\n"


def use(settings: Settings) -> None:
    """Use the numbers as the start does, to check that each fits into dates and into the ledger."""
    check_offers(settings, all_specs(settings))
    build_plans(settings)
    config = settings.config
    for seconds in (*config.schedule.model_dump().values(), config.alerts.reopen_seconds):
        assert timedelta(seconds=seconds) >= timedelta(0)
    billing = config.billing
    amounts = (*billing.topup_usd, billing.usd_per_star, billing.low_wallet_usd, billing.topup_max_usd)
    amounts += tuple(each for each in (config.house.usd_per_day, config.house.usd_per_month) if each is not None)
    assert all(Money.usd(usd).nanousd < 2**63 for usd in amounts)
    assert all(plan.tokens_per_month < 2**63 for plan in config.plans.values())


@pytest.mark.parametrize(("section", "key"), list(keys()))
def test_wrong_value_is_named_by_file_and_key(tmp_path: Path, section: str, key: str) -> None:
    path = tmp_path / "farthing.toml"
    for value in VALUES:
        path.write_text(text_of(section, key, value))
        try:
            use(read({"FARTHING_CONFIG": str(path), "DEEPSEEK_API_KEY": "k"}, tmp_path / "no.env"))
        except ConfigError as error:
            assert str(error).startswith(f"{path}: {section}"), (value, str(error))  # noqa: PT017 - or it is taken
            assert "\n" not in str(error) or key in str(error)  # noqa: PT017 - likewise


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ADMIN_IDS", "²"),
        ("ADMIN_IDS", "9" * 19),
        ("PORT", "99999999999999999999"),
        ("PORT", "http"),
        ("LOG_LEVEL", "loud"),
        ("PUBLIC_URL", "http://plain.example"),
        ("DATABASE_URL", "mysql://x"),
        ("TELEGRAM_PROXY", "ftp://x"),
        ("ADMIN_API_KEY", "short"),
    ],
)
def test_wrong_variable_is_named(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^environment: {variable}: "):
        read({variable: value}, tmp_path / "no.env")


def test_files_that_can_not_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"it can't be read: Is a directory"):
        read({"FARTHING_CONFIG": str(tmp_path)}, tmp_path / "no.env")
    (tmp_path / ".env").write_bytes(b"TELEGRAM_BOT_TOKEN=\xff\n")
    with pytest.raises(ConfigError, match=r"\.env: it can't be read as UTF-8 text"):
        read({}, tmp_path / ".env")
