"""Access to the Mini App: known users who are admitted and not banned. A stranger's call creates no tenant."""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from starlette.requests import Request

import locales
from engine.ports import Clock
from storage.database.connection import ms
from storage.database.database import Database
from storage.tenants import app_tokens, tenant_settings, tenants
from storage.tenants.tenants import TenantState
from web.errors import HttpProblem, unknown_path
from web.miniapp.init_data import NOT_SIGNED, TOO_OLD, Signer, read_user

EVERYONE, OPERATORS, NOBODY = "everyone", "operators", "off"
"""Who may open the app in a browser, by a link of the bot."""
SESSION_PATH = "/app/session"
MOST_WRONG, WRONG_SECONDS = 20, 60.0


@dataclass(frozen=True, slots=True)
class Telegram:
    """Facts about the bot that access depends on.

    `is_open`: a new user is admitted without the operator's decision. `frames`: further sites that may show the app.
    """

    token: str = field(repr=False)
    admin_ids: Collection[int] = ()
    is_open: bool = True
    links_for: str = EVERYONE
    frames: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class MiniAppUser:
    """The tenant who opened the app. `language`: the one of /settings, else Telegram's. `link`: used by this call."""

    state: TenantState
    is_operator: bool
    language: str
    link: str | None = None

    @property
    def texts(self) -> str:
        """The code of the language in which texts and amounts are written."""
        return locales.find(self.language or locales.DEFAULT).code


class WrongSecrets:
    """Counts wrong links and sessions of the last minute. After MOST_WRONG, further wrong ones get a 429.

    A text that doesn't have the form of a secret is refused without counting: it is not an attempt to guess one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=MOST_WRONG)

    def refusal(self, problem: HttpProblem) -> HttpProblem:
        now = self._clock.monotonic()
        wait = self._times[0] + WRONG_SECONDS - now if len(self._times) == MOST_WRONG else 0.0
        self._times.append(now)
        return replace(TOO_MANY_WRONG, retry_after_seconds=wait) if wait > 0 else problem.new()


class MiniAppAccess:
    """Finds the user of every call by initData, by a session, or by a one-time link."""

    def __init__(self, db: Database, clock: Clock, telegram: Telegram) -> None:
        self._db, self._clock, self._telegram = db, clock, telegram
        self._signer = Signer.of(telegram.token)
        self._wrong = WrongSecrets(clock)

    async def user(self, authorization: str, path: str = "") -> MiniAppUser:
        """Return the user that an Authorization header identifies.

        Raises HttpProblem 401 without valid initData, session or link, and 403 for a stranger or a user who is banned
        or not admitted. A link is valid for SESSION_PATH only.
        """
        scheme, _, secret = authorization.partition(" ")
        scheme, secret = scheme.lower(), secret.strip()
        if scheme == "bearer":
            return self._admitted(await self._of_token(secret, app_tokens.SESSION, SESSION_ENDED))
        if scheme == "link" and path == SESSION_PATH:
            return self._linked(await self._of_token(secret, app_tokens.LINK, LINK_ENDED), secret)
        if scheme == "tma":
            return await self._of_init_data(secret)
        raise NOT_SIGNED.new()

    async def _of_init_data(self, init_data: str) -> MiniAppUser:
        person = read_user(init_data, self._signer, self._clock.now())
        state = await self._db.read(lambda conn: tenants.by_telegram(conn, person.id))
        if state is None:
            raise STRANGER.new()
        if ms(person.signed_at) < int(state.settings.get(tenant_settings.SIGNED_OUT, 0)):
            raise TOO_OLD.new()
        return self._admitted(state, person.language)

    async def _of_token(self, secret: str, kind: str, problem: HttpProblem) -> TenantState:
        if not app_tokens.is_secret(secret):
            raise problem.new()
        now = self._clock.now()
        found = await self._db.read(lambda conn: app_tokens.owner(conn, secret, kind, now))
        state = None if found is None else await self._db.read(lambda conn: tenants.state(conn, found))
        if state is None:
            raise self._wrong.refusal(problem)
        return state

    def _admitted(self, state: TenantState, language: str = "") -> MiniAppUser:
        is_operator = state.telegram_user_id in self._telegram.admin_ids
        if refused := self._refusal(state, is_operator=is_operator):
            raise refused.new()
        return MiniAppUser(state, is_operator, state.language or language or state.shown_language)

    def _linked(self, state: TenantState, link: str) -> MiniAppUser:
        user = self._admitted(state)
        may = self._telegram.links_for
        if may == NOBODY or (may == OPERATORS and not user.is_operator):
            raise LINK_ENDED.new()
        return replace(user, link=link)

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
    """Return the user that the middleware has admitted."""
    found: MiniAppUser = request.state.mini_app_user
    return found


def current_operator(request: Request) -> MiniAppUser:
    """Return the user if it is an operator. Raises HttpProblem 404 for all others, so that the route stays hidden."""
    found = current_user(request)
    if not found.is_operator:
        raise unknown_path(request.method, request.scope["path"])
    return found


def _refused(code: str, message: str) -> HttpProblem:
    return HttpProblem(403, message, type="permission_error", code=code)


def _ended(code: str, message: str) -> HttpProblem:
    return HttpProblem(401, message, type="authentication_error", code=code, challenge="tma")


SESSION_ENDED = _ended("session_ended", "This session has ended. Send /app to the bot, or open the app in Telegram.")
LINK_ENDED = _ended("link_ended", "This link has been used, or is older than five minutes. Send /app to the bot again.")
TOO_MANY_WRONG = HttpProblem(
    429, "Too many wrong links came within a minute. Wait, then try again.", "rate_limit_error", "rate_limit_exceeded"
)
STRANGER = _refused("not_begun", "You have not started the bot yet: press Start in its chat, then open this again.")
CLOSED = _refused("account_closed", "The operator has closed this account. Your wallet is kept; see /paysupport.")
WAITING = _refused(
    "access_pending", "The operator has not admitted you yet; the bot will write to you as soon as that is done."
)
DECLINED = _refused("access_declined", "The operator of this bot has declined your request.")
