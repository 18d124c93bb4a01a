"""The latest run of each scheduled job, stored so that a restart or another leader continues from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.database.connection import Connection, moment, moment_or_none, ms

MOST_SKEW = timedelta(minutes=1)
"""A run that began so far in the future shows that the clock was set back."""


@dataclass(frozen=True, slots=True)
class JobRun:
    """The latest run of a job. `finished_at` None: it is running, or its process died during it."""

    name: str
    due_at: datetime
    started_at: datetime
    finished_at: datetime | None
    lateness_ms: int
    duration_ms: int
    runs: int
    failures: int
    error: str


def latest(conn: Connection) -> dict[str, JobRun]:
    """Return the latest run of each job by its name."""
    return {
        found["name"]: JobRun(
            found["name"],
            moment(found["due_at"]),
            moment(found["started_at"]),
            moment_or_none(found["finished_at"]),
            found["lateness_ms"],
            found["duration_ms"],
            found["runs"],
            found["failures"],
            found["error"],
        )
        for found in conn.rows("SELECT * FROM job_runs ORDER BY name")
    }


def begin(conn: Connection, name: str, due_at: datetime, now: datetime) -> bool:
    """Record the start of a run. Return False if the run for that time, or a later one, has ended already.

    After the clock was set back, the stored times are in the future and don't count.
    """
    return bool(
        conn.run(
            "INSERT INTO job_runs (name, due_at, started_at, lateness_ms, error) VALUES (:name, :due, :now, :late, '')"
            " ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at, started_at = excluded.started_at,"
            " finished_at = NULL, lateness_ms = excluded.lateness_ms"
            " WHERE job_runs.due_at < excluded.due_at OR job_runs.finished_at IS NULL OR job_runs.started_at > :latest",
            name=name,
            due=ms(due_at),
            now=ms(now),
            late=max(0, ms(now) - ms(due_at)),
            latest=ms(now + MOST_SKEW),
        )
    )


def finish(conn: Connection, name: str, duration_ms: int, now: datetime, error: str = "") -> None:
    """Record the end of a run. `error` names the failure, "" if it succeeded."""
    conn.run(
        "UPDATE job_runs SET finished_at = :now, duration_ms = :duration, runs = runs + 1,"
        " failures = failures + :failed, error = :error WHERE name = :name",
        name=name,
        now=ms(now),
        duration=duration_ms,
        failed=int(bool(error)),
        error=error,
    )
