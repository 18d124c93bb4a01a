"""The sections of farthing.toml about work at set times: the jobs, scheduled prompts, backups."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

MOST_SECONDS, MOST_NUMBER = 10**9, 10**15
LEAST_INTERVAL_SECONDS = 0.01


class Section(BaseModel):
    """A section of farthing.toml whose numbers fit into the database and into dates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def is_no_truth_value(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false for a number, because they would count as 1 and 0."""
        if isinstance(value, bool) and "bool" not in str(cls.model_fields[info.field_name or ""].annotation):
            raise ValueError("a number, not true or false")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def is_not_too_large(cls, value: Any) -> Any:
        if isinstance(value, float) and not value <= MOST_SECONDS:
            raise ValueError(f"at most {MOST_SECONDS:,}")
        if isinstance(value, int) and value > MOST_NUMBER:
            raise ValueError(f"at most {MOST_NUMBER:,}")
        return value


class ScheduleSection(Section):
    outages: float = Field(15, ge=LEAST_INTERVAL_SECONDS)
    probes: float = Field(60, ge=LEAST_INTERVAL_SECONDS)
    quotas: float = Field(60, ge=LEAST_INTERVAL_SECONDS)
    expire_holds: float = Field(30, ge=LEAST_INTERVAL_SECONDS)
    renewals: float = Field(60, ge=LEAST_INTERVAL_SECONDS)
    reconcile: float = Field(86_400, ge=LEAST_INTERVAL_SECONDS)
    farming: float = Field(60, ge=LEAST_INTERVAL_SECONDS)
    house: float = Field(60, ge=LEAST_INTERVAL_SECONDS)
    broadcasts: float = Field(5, ge=LEAST_INTERVAL_SECONDS)
    remember: float = Field(300, ge=LEAST_INTERVAL_SECONDS)
    nightly: float = Field(600, ge=LEAST_INTERVAL_SECONDS)
    rollups: float = Field(30, ge=LEAST_INTERVAL_SECONDS)
    invoices: float = Field(3600, ge=LEAST_INTERVAL_SECONDS)
    prices: float = Field(60, ge=LEAST_INTERVAL_SECONDS)
    digest: float = Field(300, ge=LEAST_INTERVAL_SECONDS)
    alerts: float = Field(5, ge=LEAST_INTERVAL_SECONDS)
    balances: float = Field(600, ge=LEAST_INTERVAL_SECONDS)
    slowness: float = Field(60, ge=LEAST_INTERVAL_SECONDS)
    margins: float = Field(600, ge=LEAST_INTERVAL_SECONDS)
    self_checks: float = Field(60, ge=LEAST_INTERVAL_SECONDS)
    status_pages: float = Field(120, ge=LEAST_INTERVAL_SECONDS)
    every: float = Field(5, ge=LEAST_INTERVAL_SECONDS)
    anomalies: float = Field(300, ge=LEAST_INTERVAL_SECONDS)


class EverySection(Section):
    most_per_person: int = Field(5, ge=0)
    least_hours: int = Field(1, gt=0)
    late_hours: int = Field(6, gt=0)


class BackupSection(Section):
    folder: str = "backups"
    keep: int = Field(7, gt=0)
