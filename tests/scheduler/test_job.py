"""Each job states in the code and in docs/operate.md whether missed runs are made up for."""

import re
from pathlib import Path

from scheduler.job import Misfire
from scheduler.jobs import discover

DOCS = Path(__file__).parents[2] / "docs" / "operate.md"


def test_misfire_of_each_job_is_documented() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| \*(once|skip)\*", DOCS.read_text(), re.MULTILINE)
    documented = {name: Misfire(policy) for names, policy in rows for name in re.findall(r"`(\w+)`", names)}
    stated = {job.name: job.misfire for job in discover()}
    assert documented == stated, (
        f"the table of jobs in {DOCS.name} differs: {set(stated.items()) ^ set(documented.items())}"
    )
