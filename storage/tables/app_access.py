"""Tables of the Mini App in a browser: one-time links and the sessions that they begin."""

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import big


class AppTokenRow(SQLModel, table=True):
    """The secret of a link or of a session, as its SHA-256. A link is deleted when it is used."""

    __tablename__ = "app_tokens"
    __table_args__ = (CheckConstraint("kind IN ('link', 'session')", name="app_token_kind"),)

    sha256: str = Field(primary_key=True)
    tenant_id: int = big(foreign_key="tenants.id", index=True)
    kind: str
    made_at: int = big()
    expires_at: int = big(index=True)
