"""The sections of farthing.toml about work at set times: the jobs, scheduled prompts, backups."""

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScheduleSection(Section):
    outages: float = Field(15, gt=0)
    probes: float = Field(60, gt=0)
    quotas: float = Field(60, gt=0)
    expire_holds: float = Field(30, gt=0)
    renewals: float = Field(60, gt=0)
    reconcile: float = Field(86_400, gt=0)
    farming: float = Field(60, gt=0)
    house: float = Field(60, gt=0)
    broadcasts: float = Field(5, gt=0)
    remember: float = Field(300, gt=0)
    nightly: float = Field(600, gt=0)
    rollups: float = Field(30, gt=0)
    invoices: float = Field(3600, gt=0)
    prices: float = Field(60, gt=0)
    digest: float = Field(300, gt=0)
    alerts: float = Field(5, gt=0)
    balances: float = Field(600, gt=0)
    slowness: float = Field(60, gt=0)
    margins: float = Field(600, gt=0)
    self_checks: float = Field(60, gt=0)
    status_pages: float = Field(120, gt=0)
    every: float = Field(5, gt=0)
    anomalies: float = Field(300, gt=0)


class EverySection(Section):
    most_per_person: int = Field(5, ge=0)
    least_hours: int = Field(1, gt=0)
    late_hours: int = Field(6, gt=0)


class BackupSection(Section):
    folder: str = "backups"
    keep: int = Field(7, gt=0)
