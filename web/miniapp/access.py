"""Who may look at the Mini App: known to the bot, let in, not banned. A stranger costs one look and makes no tenant."""

from collections.abc import Collection
from dataclasses import dataclass, field

from starlette.requests import Request

from engine.ports import Clock
from storage.database.database import Database
from storage.tenants import tenants
from storage.tenants.tenants import TenantState
from web.errors import HttpProblem, not_found
from web.miniapp import init_data as signed


@dataclass(frozen=True, slots=True)
class Telegram:
    """What the door knows of the bot. `is_open`: strangers are let in without a word of the operator's."""

    token: str = field(repr=False)
    admin_ids: Collection[int] = ()
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Guest:
    """Who looks: a tenant, maybe an operator too. `language`: the one chosen in /settings, else the app's."""

    state: TenantState
    is_operator: bool
    language: str


class MiniAppAccess:
    """Everyone comes through it, with every call."""

    def __init__(self, db: Database, clock: Clock, telegram: Telegram) -> None:
        self._db, self._clock, self._telegram = db, clock, telegram
        self._secret = signed.secret_of(telegram.token)

    async def guest(self, authorization: str) -> Guest:
        """Raises HttpProblem 401 without good initData, 403 for strangers, the banned, and who is not let in."""
        scheme, _, init_data = authorization.partition(" ")
        if scheme.lower() != "tma":
            raise signed.NOT_SIGNED.new()
        person = signed.person(init_data.strip(), self._secret, self._clock.now())
        state = await self._db.read(lambda conn: tenants.by_telegram(conn, person.id))
        is_operator = person.id in self._telegram.admin_ids
        if state is None:
            raise STRANGER.new()
        if refused := self._refusal(state, is_operator=is_operator):
            raise refused.new()
        return Guest(state, is_operator, state.language or person.language)

    def _refusal(self, state: TenantState, *, is_operator: bool) -> HttpProblem | None:
        if state.banned:
            return CLOSED
        if state.is_in or is_operator:
            return None
        if state.access == tenants.DECLINED:
            return DECLINED
        return None if self._telegram.is_open else WAITING


def is_guarded(path: str) -> bool:
    """The page and its files are anyone's; what they show is not."""
    return path.startswith("/app/") and not path.startswith("/app/page/")


def guest(request: Request) -> Guest:
    """Who was let in, before a byte of the body was read."""
    found: Guest = request.state.guest
    return found


def operator(request: Request) -> Guest:
    """Raises HttpProblem 404 for everyone else: to them this does not exist."""
    found = guest(request)
    if not found.is_operator:
        raise not_found("Not Found.")
    return found


def _refused(code: str, message: str) -> HttpProblem:
    return HttpProblem(403, message, type="permission_error", code=code)


STRANGER = _refused("not_begun", "The bot doesn't know you yet: press Start in its chat, then open this again.")
CLOSED = _refused("account_closed", "The operator has closed this account. Your wallet stays; see /paysupport.")
WAITING = _refused(
    "access_pending", "The operator lets people in one by one; the bot will write as soon as you are in."
)
DECLINED = _refused("access_declined", "The operator of this bot has declined.")
