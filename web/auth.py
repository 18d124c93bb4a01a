"""Authentication by the headers of a request: API keys of tenants, and the admin key."""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.ports import Clock
from engine.tenancy import KeyLimits, Plan, Tenant
from storage.database.database import Database
from storage.database.write_queue import Watch
from storage.tenants import api_keys
from web.admin.wrong_keys import WrongAdminKeys
from web.errors import (
    EXPIRED_KEY,
    INVALID_KEY,
    MISSING_BEARER,
    MISSING_KEY,
    OPERATORS_ONLY,
    HttpProblem,
)

log = logging.getLogger(__name__)

RECORD_SECONDS = 60.0
MOST_KNOWN = 10_000
_CLIENTS_PREFIXES = ("fk-", "sk-")
"""The beginnings of clients' API keys, ours and other services'. They don't count as guesses of the admin key."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request: a tenant with an API key, or the operator with the admin key.

    `tenant.key` holds the limits of the API key, which the gateway checks.
    """

    tenant: Tenant | None = None

    @property
    def key_id(self) -> int | None:
        return self.tenant.key.key_id if self.tenant is not None and self.tenant.key is not None else None

    @property
    def is_admin(self) -> bool:
        return self.tenant is None


class KnownCallers:
    """The callers of recent requests by a hash of their headers, used if only this process writes to the database.

    A change to a key or its tenant clears them at once; a change by another program does within seconds.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._watch: Watch | None = None
        self._is_begun = False
        self._found: dict[bytes, tuple[Caller, int]] = {}

    def find(self, digest: bytes) -> Caller | None:
        """Return the caller, unless its key or tenant may have changed."""
        found = self._found.get(digest)
        if found is None or self._watch is None:
            return None
        caller, changes = found
        return caller if changes == self._watch.count else None

    async def changes(self) -> int | None:
        """Return the number of changes so far, to be read before a caller; None if callers can't be remembered."""
        if not self._is_begun:
            self._is_begun = True
            self._watch = await self._db.watch(api_keys.AUTHENTICATED_BY)
        return None if self._watch is None else self._watch.count

    def add(self, digest: bytes, caller: Caller, changes: int | None) -> None:
        """Remember a caller that was read after `changes` changes."""
        if changes is None:
            return
        if len(self._found) >= MOST_KNOWN:
            self._found.clear()
        self._found[digest] = caller, changes


class Authenticator:
    """Finds the caller of a request. A key with a wrong checksum is refused without a database read."""

    def __init__(
        self,
        db: Database,
        plans: Mapping[str, Plan],
        clock: Clock,
        admin_key: str = "",
        alert: Callable[[int], Awaitable[object]] | None = None,
    ) -> None:
        self._db, self._plans, self._clock = db, plans, clock
        self._admin_key = admin_key.encode()
        self._wrong_admin_keys = WrongAdminKeys(clock, alert)
        self._recorded: dict[int, float] = {}
        self._known = KnownCallers(db)

    @property
    def has_admin(self) -> bool:
        """Return False if no admin key is set: then the operator's routes do not exist."""
        return bool(self._admin_key)

    async def tenant(self, headers: Mapping[bytes, bytes]) -> Caller:
        """Return the tenant of a live API key. Raises HttpProblem 401 for an expired key and for anything else."""
        digest = _digest(headers)
        if (known := self._known.find(digest)) is not None:
            return await self._live(known)
        changes = await self._known.changes()
        caller = await self._read(api_secret(headers))
        self._known.add(digest, caller, changes)
        return await self._live(caller)

    def known(self, headers: Mapping[bytes, bytes]) -> Caller | None:
        """Return the result of `tenant` if it needs no query and no write; None otherwise."""
        caller = self._known.find(_digest(headers))
        return caller if caller is not None and _key(caller).expires_at is None and not self._is_due(caller) else None

    async def tenant_or_operator(self, headers: Mapping[bytes, bytes], path: str) -> Caller:
        secret = bearer_secret(headers)
        if self._is_admin(secret):
            return Caller()
        if self._admin_key and not secret.startswith(_CLIENTS_PREFIXES) and not api_keys.is_well_formed(secret):
            raise self._wrong_admin_keys.refusal(INVALID_KEY, secret, path)
        return await self._live(await self._read(secret))

    def operator(self, headers: Mapping[bytes, bytes], path: str) -> Caller:
        """Return the operator. Raises HttpProblem 401, or 429 after many wrong keys; the right key always works."""
        if b"authorization" not in headers:
            raise OPERATORS_ONLY.new()
        try:
            secret = bearer_secret(headers)
        except HttpProblem:
            secret = ""
        if self._is_admin(secret):
            return Caller()
        if api_keys.is_well_formed(secret):  # a tenant's key does not count as a guess of the admin key
            raise OPERATORS_ONLY.new()
        raise self._wrong_admin_keys.refusal(OPERATORS_ONLY, secret, path)

    def _is_admin(self, secret: str) -> bool:
        return bool(self._admin_key) and hmac.compare_digest(secret.encode(), self._admin_key)

    async def _read(self, secret: str) -> Caller:
        if not api_keys.is_well_formed(secret):
            raise INVALID_KEY.new()
        tenant = await self._db.read_key(lambda conn: api_keys.authenticate(conn, api_keys.digest(secret), self._plans))
        if tenant is None or tenant.key is None:
            raise INVALID_KEY.new()
        return Caller(tenant)

    async def _live(self, caller: Caller) -> Caller:
        """Return the caller, and record the use of the key at most once a minute.

        Raises HttpProblem 401 for an expired key.
        """
        key = _key(caller)
        if key.is_expired(self._clock.now()):
            raise EXPIRED_KEY.new()
        if self._is_due(caller):
            self._recorded[key.key_id] = self._clock.monotonic()
            moment = self._clock.now()
            await self._db.write(lambda conn: api_keys.touch(conn, key.key_id, moment))
        return caller

    def _is_due(self, caller: Caller) -> bool:
        """Return True if the last use of the key was recorded more than RECORD_SECONDS ago."""
        recorded = self._recorded.get(_key(caller).key_id)
        return recorded is None or self._clock.monotonic() - recorded >= RECORD_SECONDS


def _key(caller: Caller) -> KeyLimits:
    assert caller.tenant is not None
    assert caller.tenant.key is not None
    return caller.tenant.key


def _digest(headers: Mapping[bytes, bytes]) -> bytes:
    """Return a hash of the headers that contain keys, to look a caller up without storing secrets."""
    key, other = headers.get(b"authorization", b""), headers.get(b"x-api-key", b"")
    return hashlib.sha256(b"%d %b%b" % (len(key), key, other)).digest()


class RandomBlocks:
    """Random hex digits for ids, read from the system in blocks, because one system call per id takes longer."""

    _DIGITS, _BLOCK_BYTES = 20, 2560

    def __init__(self) -> None:
        self._block, self._at = "", 0

    def hex_digits(self) -> str:
        """Return 20 digits that were not returned before."""
        if self._at >= len(self._block):
            self._block, self._at = secrets.token_hex(self._BLOCK_BYTES), 0
        self._at += self._DIGITS
        return self._block[self._at - self._DIGITS : self._at]


_random = RandomBlocks()


def new_request_id(now: datetime) -> str:
    """Return `req-` and 32 hex digits: 12 of milliseconds since 1970, 20 random ones.

    Ids sort by creation, so that new ones are added at the end of a database index.
    """
    return f"req-{round(now.timestamp() * 1000):012x}{_random.hex_digits()}"


def api_secret(headers: Mapping[bytes, bytes]) -> str:
    """Return the secret in `Authorization: Bearer`, or in `x-api-key` as Anthropic's clients send it.

    If both come, the first one with the form of an API key is used, because clients send placeholders in the other.
    Raises HttpProblem 401.
    """
    other = headers.get(b"x-api-key", b"").decode("latin-1").strip()
    if not other:
        return bearer_secret(headers)
    try:
        secret = bearer_secret(headers)
    except HttpProblem:
        return other
    return other if api_keys.is_well_formed(other) and not api_keys.is_well_formed(secret) else secret


def bearer_secret(headers: Mapping[bytes, bytes]) -> str:
    """Return the secret in `Authorization: Bearer`. Raises HttpProblem 401 if it is missing or has another scheme."""
    scheme, _, secret = headers.get(b"authorization", b"").decode("latin-1").strip().partition(" ")
    if scheme.lower() == "bearer":
        if secret.strip():
            return secret.strip()
        raise MISSING_KEY.new()
    raise (MISSING_BEARER if scheme else MISSING_KEY).new()
