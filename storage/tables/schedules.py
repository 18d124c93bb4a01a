"""Table of scheduled prompts: prompts that the bot asks repeatedly at set times."""

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import SQLModel

from storage.tables.columns import big


class ScheduledPromptRow(SQLModel, table=True):
    """A scheduled prompt. `rule`: a Recurrence; `paused_for`: the reason of a pause that the person did not choose.

    `run_update_id`: the update of its latest run; `settled_update_id`: that of the latest counted run. `skips`: the
    number of consecutive skipped runs.
    """

    __tablename__ = "scheduled_prompts"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'active', 'paused')", name="schedule_state"),
        Index(
            "due_prompts",
            "bot_id",
            "next_at",
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    tenant_id: int = big(index=True)
    bot_id: int = big()
    chat_id: int = big()
    thread_id: int = big(0)
    rule: str
    prompt: str
    state: str
    paused_for: str = ""
    next_at: int = big()
    skips: int = big(0)
    runs: int = big(0)
    run_update_id: int | None = big(None)
    settled_update_id: int | None = big(None)
    created_at: int = big()
