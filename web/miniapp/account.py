"""A tenant's pages of the Mini App: account, usage of the period, API keys, invoices."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from documents.invoice import invoice_pdf
from engine.gateway.question import Market
from engine.ports import Clock
from storage.database.connection import Connection, row_number
from storage.database.database import Database
from storage.invoices import addresses, invoices
from storage.invoices.drafts import LedgerMismatch
from storage.invoices.invoices import Invoice, Seller
from storage.reports import usage
from storage.tenants import api_keys
from storage.tenants.api_keys import TooManyKeys
from storage.tenants.tenants import TenantState
from web.admin.invoices import invoice_row
from web.admin.keys import key_row, new_key_out, no_key
from web.errors import HttpProblem, not_found
from web.key_schemas import KeyIn, NewKeyOut
from web.miniapp.access import MiniAppUser
from web.miniapp.answers import written
from web.miniapp.schemas import AccountDataOut, SpentOut
from web.miniapp.spending import Spending
from web.schema_fields import utc_text

log = logging.getLogger(__name__)
_DEFAULT_KEY_NAME = "app"

TOO_MANY_KEYS = HttpProblem(
    409, f"You have {api_keys.MAX_LIVE} keys, the maximum. Revoke one first.", code="too_many_keys"
)
TOO_MANY_TODAY = HttpProblem(
    429,
    f"You have made {api_keys.MOST_A_DAY} keys within a day, the maximum. Try again later.",
    "rate_limit_error",
    "rate_limit_exceeded",
    retry_after_seconds=3600,
)
_TOO_MANY = {TooManyKeys.LIVE: TOO_MANY_KEYS, TooManyKeys.TODAY: TOO_MANY_TODAY}


@dataclass(frozen=True, slots=True)
class AccountPages:
    """Reads a tenant's own data and manages its API keys."""

    db: Database
    clock: Clock
    seller: Seller
    market: Market
    has_payments: bool = False

    async def read(self, user: MiniAppUser) -> AccountDataOut:
        """Return the data of all pages. Missing invoices of past months are issued first, as /invoice does."""
        state, now = user.state, self.clock.now()
        await self._bring_invoices_up_to_date(state, now)

        def query(conn: Connection) -> dict[str, Any]:
            start, end = state.period_start.date(), now.date()
            spent = usage.rows(conn, start, end, state.id)
            return {
                "spending": Spending(user, self.market.catalog, spent).written(start, end),
                "spent": [_spent_row(row) for row in spent],
                "keys": [key_row(key) for key in api_keys.list_for(conn, state.id, now)],
                "invoices": [
                    {**invoice_row(each), "total": written(user, each.draft.services)}
                    for each in invoices.of_tenant(conn, state.id)
                ],
            }

        return AccountDataOut.model_validate(
            {
                "language": user.language,
                "today": str(now.date()),
                "is_operator": user.is_operator,
                "has_payments": self.has_payments,
                "most_keys": api_keys.MAX_LIVE,
                "account": _account(user),
                "shown": _shown(user),
                **await self.db.read(query),
            }
        )

    async def make_key(self, user: MiniAppUser, asked: KeyIn) -> NewKeyOut:
        """Create a key.

        Raises HttpProblem 409 if the tenant has the most live keys allowed, 429 if it made the most of a day.
        """
        key, now, tenant_id = api_keys.new_key(), self.clock.now(), user.state.id
        name = asked.name.strip() or _DEFAULT_KEY_NAME

        settings = replace(asked.settings(), name=name)
        made = await self.db.write(lambda conn: api_keys.add_own(conn, tenant_id, key, settings, now))
        if isinstance(made, TooManyKeys):
            raise _TOO_MANY[made].new()
        return new_key_out(made, key)

    async def rotate_key(self, user: MiniAppUser, text_id: str) -> NewKeyOut:
        """Replace the secret of one of the user's keys. Raises HttpProblem 404."""
        number, now, key = row_number(text_id), self.clock.now(), api_keys.new_key()
        found = await self.db.write(lambda conn: api_keys.rotate(conn, user.state.id, number or 0, key, now))
        if found is None:
            raise no_key(text_id)
        return new_key_out(found, key)

    async def revoke_key(self, user: MiniAppUser, text_id: str) -> None:
        """Revoke one of the user's keys. Raises HttpProblem 404."""
        number, now = row_number(text_id), self.clock.now()
        if number is None or not await self.db.write(lambda conn: api_keys.revoke(conn, user.state.id, number, now)):
            raise no_key(text_id)

    async def invoice_pdf(self, user: MiniAppUser, text_id: str) -> tuple[str, bytes]:
        """Return file name and PDF, in the user's language.

        Raises HttpProblem 404, also for another tenant's invoice.
        """
        number = row_number(text_id.removeprefix("F-"))
        invoice = None if number is None else await self.db.read(lambda conn: invoices.by_number(conn, number))
        if not _is_of(invoice, user.state):
            raise not_found(f"There is no invoice {text_id}.")
        assert invoice is not None
        address, language = addresses.of_settings(user.state.settings), user.language or "en"
        return invoice.name, await asyncio.to_thread(invoice_pdf, invoice, user.state.name, language, address=address)

    async def _bring_invoices_up_to_date(self, state: TenantState, now: datetime) -> None:
        try:
            await invoices.issue_due(self.db, state.id, self.seller, now)
        except LedgerMismatch:
            log.exception("an invoice could not be issued")


def _is_of(invoice: Invoice | None, state: TenantState) -> bool:
    return invoice is not None and invoice.draft.tenant_id == state.id


def _shown(user: MiniAppUser) -> dict[str, Any]:
    """Return the amounts of the account, formatted in the user's language; null if there is none."""
    state = user.state
    return {
        "wallet": written(user, state.wallet),
        "held": written(user, state.held) if state.held else None,
        "owed": written(user, state.owed) if state.owed else None,
        "left": written(user, max(0, state.allowance_left_tokens)),
        "allowance": written(user, state.allowance_tokens),
        "renews": written(user, state.renews_at),
    }


def _account(user: MiniAppUser) -> dict[str, Any]:
    state = user.state
    return {
        "plan": state.plan,
        "next_plan": state.next_plan if state.next_plan != state.plan else None,
        "wallet_usd": str(state.wallet),
        "held_usd": str(state.held),
        "owed_usd": str(state.owed),
        "allowance_tokens": state.allowance_tokens,
        "allowance_left_tokens": state.allowance_left_tokens,
        "period_from": utc_text(state.period_start),
        "renews_at": utc_text(state.renews_at),
    }


def _spent_row(row: usage.UsageRow) -> SpentOut:
    return SpentOut(
        day=str(row.day),
        model=row.model,
        provider=row.provider,
        prompts=row.prompts,
        tokens=row.tokens,
        allowance_tokens=row.allowance_tokens,
        charge_usd=str(row.charge),
    )
