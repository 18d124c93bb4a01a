"""Access to the Mini App: users that the bot has, admitted and not banned. A stranger's call makes no tenant."""

from collections.abc import Collection
from dataclasses import dataclass, field

from starlette.requests import Request

from engine.ports import Clock
from storage.database.database import Database
from storage.tenants import tenants
from storage.tenants.tenants import TenantState
from web.errors import HttpProblem, unknown_path
from web.miniapp.init_data import NOT_SIGNED, read_user, secret_key


@dataclass(frozen=True, slots=True)
class Telegram:
    """The bot's facts that access needs. `is_open`: a new user is admitted without the operator's decision."""

    token: str = field(repr=False)
    admin_ids: Collection[int] = ()
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class MiniAppUser:
    """The tenant who opened the app. `language` is that of /settings, else Telegram's."""

    state: TenantState
    is_operator: bool
    language: str


class MiniAppAccess:
    """Checks the initData of every call."""

    def __init__(self, db: Database, clock: Clock, telegram: Telegram) -> None:
        self._db, self._clock, self._telegram = db, clock, telegram
        self._secret = secret_key(telegram.token)

    async def user(self, authorization: str) -> MiniAppUser:
        """Return the user of an Authorization header.

        Raises HttpProblem 401 without valid initData, 403 for a stranger and a user who is banned or not admitted.
        """
        scheme, _, init_data = authorization.partition(" ")
        if scheme.lower() != "tma":
            raise NOT_SIGNED.new()
        person = read_user(init_data.strip(), self._secret, self._clock.now())
        state = await self._db.read(lambda conn: tenants.by_telegram(conn, person.id))
        is_operator = person.id in self._telegram.admin_ids
        if state is None:
            raise STRANGER.new()
        if refused := self._refusal(state, is_operator=is_operator):
            raise refused.new()
        return MiniAppUser(state, is_operator, state.language or person.language)

    def _refusal(self, state: TenantState, *, is_operator: bool) -> HttpProblem | None:
        if state.banned:
            return CLOSED
        if state.is_admitted or is_operator:
            return None
        if state.access == tenants.DECLINED:
            return DECLINED
        return None if self._telegram.is_open else WAITING


def needs_user(path: str) -> bool:
    """Return True for the app's data. The page and its files need no initData."""
    return path.startswith("/app/") and not path.startswith("/app/page/")


def current_user(request: Request) -> MiniAppUser:
    """Return the user whom the middleware has admitted."""
    found: MiniAppUser = request.state.mini_app_user
    return found


def current_operator(request: Request) -> MiniAppUser:
    """Return the user where it is an operator. Raises HttpProblem 404 for all others: the route is hidden from them."""
    found = current_user(request)
    if not found.is_operator:
        raise unknown_path(request.method, request.scope["path"])
    return found


def _refused(code: str, message: str) -> HttpProblem:
    return HttpProblem(403, message, type="permission_error", code=code)


STRANGER = _refused("not_begun", "You have not started the bot yet: press Start in its chat, then open this again.")
CLOSED = _refused("account_closed", "The operator has closed this account. Your wallet is kept; see /paysupport.")
WAITING = _refused(
    "access_pending", "The operator has not admitted you yet; the bot will write to you as soon as that is done."
)
DECLINED = _refused("access_declined", "The operator of this bot has declined your request.")
