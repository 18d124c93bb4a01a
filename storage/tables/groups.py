"""Tables of groups: their wallets, and the shares of their members."""

from sqlmodel import SQLModel

from storage.tables.columns import big


class GroupRow(SQLModel, table=True):
    """A group with a wallet: the account of the tenant `wallet_id`. `day_cap_nanousd` is per person; 0: no cap."""

    __tablename__ = "groups"

    chat_id: int = big(primary_key=True)
    wallet_id: int = big(foreign_key="tenants.id", unique=True)
    title: str = ""
    day_cap_nanousd: int = big(0)
    created_at: int = big()


class GroupShareRow(SQLModel, table=True):
    """The use that one member makes of a group's wallet on one UTC day, as 20261130."""

    __tablename__ = "group_shares"

    wallet_id: int = big(primary_key=True, foreign_key="tenants.id")
    tenant_id: int = big(primary_key=True, foreign_key="tenants.id", index=True)
    day: int = big(primary_key=True)
    charge_nanousd: int = big(0)
    answers: int = big(0)
