"""The sections and keys of farthing.toml with their defaults (docs/configuration.md)."""

import tomllib
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from main.config_faults import ConfigError, explain
from main.config_sections import BackupSection, EverySection, ScheduleSection, Section

MOST_USD = 10**9


def _decimal(value: object) -> Decimal:
    if isinstance(value, float):
        raise ValueError("an exact decimal in quotes, such as '0.14'")  # noqa: TRY004 - pydantic wants ValueError
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise ValueError("an exact decimal in quotes, such as '0.14'") from error
    if not number.is_finite() or number < 0:
        raise ValueError("a decimal that is zero or more")
    if number >= MOST_USD:
        raise ValueError(f"a decimal below {MOST_USD:,}")
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -9:  # noqa: PLR2004 - a nano-dollar
        raise ValueError("at most 9 decimals")
    return number


def _dialect(value: object) -> str:
    from engine.providers.registry import dialect_classes  # noqa: PLC0415 - it loads httpx, which `--help` does not need

    names = sorted(dialect_classes())
    if value not in names:
        raise ValueError(f"a dialect: one of {', '.join(names)}")
    return str(value)


def _optional_decimal(value: object) -> Decimal | None:
    return None if value in ("", None) else _decimal(value)


Usd = Annotated[Decimal, BeforeValidator(_decimal)]
OptionalUsd = Annotated[Decimal | None, BeforeValidator(_optional_decimal)]
PositiveUsd = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0)]


class ModelSection(Section):
    offers: tuple[str, ...] = ()
    last_resort: tuple[str, ...] = ()
    usd_per_mtok: Usd | None = None
    markup: Usd | None = None
    max_loss_usd_per_day: OptionalUsd = None

    @model_validator(mode="after")
    def one_tariff(self) -> Self:
        if self.usd_per_mtok is not None and self.markup is not None:
            raise ValueError("either usd_per_mtok or markup, not both")
        return self


class PriceSection(Section):
    input: Usd
    output: Usd
    cached_input: Usd | None = None
    cache_write: Usd | None = None
    context_tokens: int | None = Field(None, gt=0)


class FreeSection(Section):
    requests_per_minute: int = Field(gt=0)
    requests_per_day: int = Field(gt=0)


class ProviderSection(Section):
    dialect: Annotated[str, BeforeValidator(_dialect)] = "openai"
    base_url: str = Field(pattern=r"^https?://")
    key_env: str = ""
    country: str = Field("", pattern=r"^([A-Z]{2})?$")
    trains_on_prompts: bool | None = None


class PlanSection(Section):
    usd_per_month: Usd
    tokens_per_month: int = Field(ge=0)
    requests_per_minute: int = Field(gt=0)
    answers_per_day: int = Field(0, ge=0)
    max_output_tokens: int = Field(gt=0)
    models: tuple[str, ...] | None = None


class AccessSection(Section):
    mode: Literal["open", "approval", "invite"] = "open"
    show_costs: bool = False
    new_per_hour_alert: int = Field(20, ge=0)
    files_per_minute: int = Field(10, gt=0)
    megabytes_per_day: int = Field(200, gt=0)
    name_conversations: bool = False
    app_links: Literal["everyone", "operators", "off"] = "everyone"


class GroupsSection(Section):
    talk_tokens: int = Field(1000, ge=0)
    outside: Literal["off", "guest", "inline"] = "off"


class PrivacySection(Section):
    keep_days: int = Field(30, gt=0, le=3650)


class TranscriberSection(Section):
    offer: str
    usd_per_minute: Usd
    markup: Usd | None = None
    min_seconds: int | None = Field(None, ge=0)
    max_seconds: int = Field(600, gt=0)


class HouseSection(Section):
    usd_per_day: OptionalUsd = None
    usd_per_month: OptionalUsd = None


class SellerSection(Section):
    name: str = ""
    address: str = ""
    tax_id: str = ""
    vat_percent: Usd = Decimal(0)


class RoutingSection(Section):
    delay_usd_per_second: Usd = Decimal("0.00001")
    fresh_prices: bool = True
    hedge: bool = False


USD_PER_STAR = Decimal("0.013")  # Telegram's payout to the developer for one Star


class BillingSection(Section):
    usd_per_star: PositiveUsd = USD_PER_STAR
    payout_usd_per_star: Usd = USD_PER_STAR
    markup: Usd = Decimal("1.40")
    topup_usd: tuple[PositiveUsd, ...] = (Decimal(5), Decimal(10), Decimal(25), Decimal(50))
    topup_min_usd: PositiveUsd = Decimal(1)
    topup_max_usd: PositiveUsd = Decimal(130)
    plans_from: Literal["stars", "wallet", "both"] = "stars"
    low_wallet_usd: Usd = Decimal("1.00")

    @model_validator(mode="after")
    def topups_in_order(self) -> Self:
        if self.topup_max_usd < self.topup_min_usd:
            raise ValueError("topup_max_usd must be at least topup_min_usd")
        return self


class HealthSection(Section):
    failures_to_open: int = Field(5, gt=0)
    rest_seconds: float = Field(60, gt=0)
    first_token_seconds: float = Field(20, gt=0)
    first_token_seconds_thinking: float = Field(120, gt=0)
    idle_seconds: float = Field(30, gt=0)


class AlertsSection(Section):
    quota_percent: tuple[Annotated[int, Field(gt=0, le=100)], ...] = (80, 100)
    reopen_seconds: float = Field(600, ge=0)
    digest_hour_utc: int = Field(7, ge=0, le=23)
    low_balance_usd: Usd = Decimal(5)
    margin_percent: Decimal = Field(Decimal(0), ge=-100, le=100)
    disk_free_mb: int = Field(500, ge=0)
    digest_hour: int | None = Field(None, ge=0, le=23)
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
            raise ValueError("a time zone such as Europe/Berlin or Asia/Ho_Chi_Minh") from error
        return value

    @property
    def digest_at(self) -> tuple[int, ZoneInfo]:
        """The hour of the digest and its zone: `digest_hour` in `time_zone`, or `digest_hour_utc` in UTC."""
        if self.digest_hour is None:
            return self.digest_hour_utc, ZoneInfo("UTC")
        return self.digest_hour, ZoneInfo(self.time_zone)


_Origin = Annotated[str, Field(pattern=r"^(\*|null|[a-z][a-z0-9+.-]*://[^/\s]+)$")]


class HttpSection(Section):
    cors_origins: tuple[_Origin, ...] = ("*",)


PLANS: dict[str, dict[str, Any]] = {
    name: {
        "usd_per_month": usd,
        "tokens_per_month": tokens,
        "requests_per_minute": per_minute,
        "max_output_tokens": output,
    }
    for name, usd, tokens, per_minute, output in (
        ("free", "0", 100_000, 6, 1024),
        ("starter", "9", 2_000_000, 20, 2048),
        ("pro", "29", 7_000_000, 60, 4096),
        ("scale", "99", 25_000_000, 240, 8192),
    )
}


class Config(Section):
    models: dict[str, ModelSection] = Field(default={})
    prices: dict[str, PriceSection] = Field(default={})
    free: dict[str, FreeSection] = Field(default={})
    providers: dict[str, ProviderSection] = Field(default={})
    plans: dict[str, PlanSection] = Field(default={}, validate_default=True)
    access: AccessSection = AccessSection()
    groups: GroupsSection = GroupsSection()
    privacy: PrivacySection = PrivacySection()
    transcriber: TranscriberSection | None = None
    house: HouseSection = HouseSection()
    seller: SellerSection = SellerSection()
    routing: RoutingSection = RoutingSection()
    billing: BillingSection = BillingSection()
    health: HealthSection = HealthSection()
    alerts: AlertsSection = AlertsSection()
    http: HttpSection = HttpSection()
    schedule: ScheduleSection = ScheduleSection()
    backup: BackupSection = BackupSection()
    every: EverySection = EverySection()
    status_pages: dict[str, Annotated[str, Field(pattern=r"^https?://")]] = Field(default={})

    @model_validator(mode="before")
    @classmethod
    def fill_in_plans(cls, data: Any) -> Any:
        """Add the keys of the four built-in plans that the file does not set."""
        given = data.get("plans", {}) if isinstance(data, dict) else {}
        if not isinstance(given, dict) or not all(isinstance(plan, dict) for plan in given.values()):
            return data
        names = [*PLANS, *(name for name in given if name not in PLANS)]
        return {**data, "plans": {name: {**PLANS.get(name, {}), **given.get(name, {})} for name in names}}


def load(path: Path) -> Config:
    """Read the file; return the defaults if it does not exist. Raises ConfigError."""
    if not path.exists():
        return Config()
    try:
        return Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: it can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(explain(str(path), error)) from error
