"""Tables that replicas share: learned facts, the leader of the clock, the runs of jobs, requests per minute."""

from sqlalchemy import ARRAY, BigInteger, Column, Index, Text
from sqlmodel import Field, SQLModel

from storage.tables.columns import big, number


class SharedFactRow(SQLModel, table=True):
    """A fact that one replica has learned and the others should know; kept for minutes."""

    __tablename__ = "shared_facts"
    __table_args__ = (Index("facts_by_age", "at"),)

    id: int | None = number()
    lease_id: str
    payload: str
    at: int = big()


class LeaderRow(SQLModel, table=True):
    """The process that leads a task which only one process may run. Each change of the leader raises the epoch."""

    __tablename__ = "leaders"

    name: str = Field(primary_key=True)
    lease_id: str
    epoch: int = big(1)


class JobRunRow(SQLModel, table=True):
    """The latest run of a scheduled job. `finished_at` NULL: it is running, or its process died during it."""

    __tablename__ = "job_runs"

    name: str = Field(primary_key=True)
    due_at: int = big()
    started_at: int = big()
    finished_at: int | None = big(None)
    lateness_ms: int = big(0)
    duration_ms: int = big(0)
    runs: int = big(0)
    failures: int = big(0)
    error: str = ""


class RequestWindowRow(SQLModel, table=True):
    """The requests of a tenant or an API key in the last minute, counted by several processes together."""

    __tablename__ = "request_windows"

    kind: str = Field(primary_key=True)
    subject: int = big(primary_key=True)
    times: str = Field(sa_column=Column(ARRAY(BigInteger).with_variant(Text(), "sqlite"), nullable=False))
