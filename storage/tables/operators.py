"""Tables of the operators: the log of their actions."""

from sqlmodel import SQLModel

from storage.tables.columns import big, number


class OperatorActionRow(SQLModel, table=True):
    """An action of an operator. `by_user`: the Telegram id, 0 for the admin key; `detail` holds numbers and names."""

    __tablename__ = "operator_actions"

    id: int | None = number()
    at: int = big()
    by_user: int = big()
    by_name: str
    action: str
    tenant_id: int | None = big(None, index=True)
    detail: str
