"""The intervals of the jobs: [schedule] in farthing.toml."""

import pytest

from main.config_sections import ScheduleSection
from scheduler.job import Job
from scheduler.jobs import discover


@pytest.mark.parametrize("job", discover(), ids=lambda job: job.name)
def test_interval_of_every_job_is_a_setting(job: Job) -> None:
    keys = ", ".join(ScheduleSection.model_fields)
    assert job.every in ScheduleSection.model_fields, (
        f"job {job.name} runs every [schedule] {job.every}; main/config_sections.py, ScheduleSection, has only: {keys}"
    )


@pytest.mark.parametrize("key", ScheduleSection.model_fields)
def test_every_schedule_key_is_used_by_a_job(key: str) -> None:
    assert key in {job.every for job in discover()}, f"no job of scheduler/jobs uses [schedule] {key}"


def test_names_of_jobs_are_unique() -> None:
    names = [job.name for job in discover()]
    assert len(set(names)) == len(names)
