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
    lacking = [f"`{name}` with *{policy}*" for name, policy in stated.items() if documented.get(name) is not policy]
    assert not lacking, f"add to the table of jobs in docs/operate.md: {', '.join(lacking)}"
    assert set(documented) <= set(stated), f"docs/operate.md names jobs that don't exist: {documented.keys() - stated}"
