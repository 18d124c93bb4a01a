"""Sessions of the Mini App: begun with initData or a one-time link; all of a user's can be ended at once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from engine.ports import Clock
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import app_tokens, tenant_settings, tenants
from web.miniapp.access import LINK_ENDED, MiniAppUser, current_user
from web.miniapp.answers import PRIVATE, app_errors
from web.schema_fields import utc_text

User = Annotated[MiniAppUser, Depends(current_user)]


class SessionOut(BaseModel):
    session: str = Field(description="Send it as `Authorization: Bearer`; it is shown in this answer only")
    expires_at: str


@dataclass(frozen=True, slots=True)
class Sessions:
    """Begins and ends sessions."""

    db: Database
    clock: Clock

    async def begin(self, user: MiniAppUser) -> SessionOut:
        """Begin a session; a link is used up. Raises HttpProblem 401 if another call has just used it."""
        secret, now, link = app_tokens.new_secret(), self.clock.now(), user.link

        def unit(conn: Connection) -> datetime | None:
            if link is not None and app_tokens.take_link(conn, link, now) != user.state.id:
                return None
            _store_language(conn, user)
            return app_tokens.begin(conn, user.state.id, secret, now)

        end = await self.db.write(unit)
        if end is None:
            raise LINK_ENDED.new()
        return SessionOut(session=secret, expires_at=utc_text(end))

    async def end_all(self, user: MiniAppUser) -> None:
        now = self.clock.now()
        await self.db.write(lambda conn: tenant_settings.sign_out(conn, user.state.id, now))


def _store_language(conn: Connection, user: MiniAppUser) -> None:
    """Store the language of Telegram's app, as the bot does with each message: later calls bring only the session."""
    state = user.state
    is_new = user.link is None and not state.language and user.language not in {"", state.shown_language}
    if is_new and not state.is_nameless:
        tenant_settings.set_setting(conn, state.id, tenants.APP_LANGUAGE, user.language)


def router(sessions: Sessions) -> APIRouter:
    routes = APIRouter(prefix="/app", tags=["mini app"])

    @routes.post(
        "/session",
        status_code=201,
        summary="Begin a session, with initData or with a one-time link (`Authorization: link <secret>`)",
        responses=app_errors(),
    )
    async def begin(user: User, response: Response) -> SessionOut:
        response.headers.update(PRIVATE)
        return await sessions.begin(user)

    @routes.delete("/sessions", status_code=204, summary="Sign out everywhere", responses=app_errors())
    async def end_all(user: User) -> Response:
        await sessions.end_all(user)
        return Response(status_code=204)

    return routes
