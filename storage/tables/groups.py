"""Tables of groups and teams: wallets, members, and the members' shares."""

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from storage.tables.columns import big


class GroupRow(SQLModel, table=True):
    """A group with a wallet: the account of the tenant `wallet_id`. `day_cap_nanousd` is per person; 0: no cap."""

    __tablename__ = "groups"

    chat_id: int = big(primary_key=True)
    wallet_id: int = big(foreign_key="tenants.id", unique=True)
    title: str = ""
    day_cap_nanousd: int = big(0)
    created_at: int = big()


class TeamRow(SQLModel, table=True):
    """A team: the account of the tenant `wallet_id`, whose name is the team's. `dissolved_at` NULL: it exists."""

    __tablename__ = "teams"

    wallet_id: int = big(primary_key=True, foreign_key="tenants.id")
    owner_id: int = big(foreign_key="tenants.id", index=True)
    created_at: int = big()
    dissolved_at: int | None = big(None)


class TeamMemberRow(SQLModel, table=True):
    """A member of a team. A person is in one team at a time; the row stays after the person has left.

    `limit_nanousd` is per calendar month; NULL: no limit. `own_after`: above the limit the member's own wallet pays.
    """

    __tablename__ = "team_members"
    __table_args__ = (
        CheckConstraint("limit_nanousd >= 0", name="team_limit_not_negative"),
        Index(
            "one_team_a_person",
            "tenant_id",
            unique=True,
            sqlite_where=text("left_at IS NULL"),
            postgresql_where=text("left_at IS NULL"),
        ),
    )

    wallet_id: int = big(primary_key=True, foreign_key="teams.wallet_id")
    tenant_id: int = big(primary_key=True, foreign_key="tenants.id")
    limit_nanousd: int | None = big(None)
    paused: bool = Field(default=False)
    own_after: bool = Field(default=True)
    joined_at: int = big()
    left_at: int | None = big(None)


class TeamInvitationRow(SQLModel, table=True):
    """An invitation to a team, for one person. Only the hash of its secret is stored."""

    __tablename__ = "team_invitations"

    sha256: str = Field(primary_key=True)
    wallet_id: int = big(foreign_key="teams.wallet_id", index=True)
    limit_nanousd: int | None = big(None)
    expires_at: int = big()
    used_by: int | None = big(None, foreign_key="tenants.id")
    used_at: int | None = big(None)


class MemberShareRow(SQLModel, table=True):
    """One member's use of a team's or a group's wallet on one UTC day; the day is a number such as 20261130.

    `worth_nanousd`: wallet money and plan tokens at their price; `held_nanousd`: that of the answers being given.
    `api_worth_nanousd`: the part of `worth_nanousd` for answers over the member's API keys.
    """

    __tablename__ = "member_shares"
    __table_args__ = (CheckConstraint("held_nanousd >= 0", name="held_share_not_negative"),)

    wallet_id: int = big(primary_key=True, foreign_key="tenants.id")
    tenant_id: int = big(primary_key=True, foreign_key="tenants.id", index=True)
    day: int = big(primary_key=True)
    charge_nanousd: int = big(0)
    allowance_tokens: int = big(0)
    worth_nanousd: int = big(0)
    held_nanousd: int = big(0)
    answers: int = big(0)
    api_worth_nanousd: int = big(0)
