"""Personal data of a tenant: its export for /export, and its deletion for /forget.

Money records must be kept by law. After the deletion they contain only the account's number, no name.
"""

import json
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from msgspec import structs

from engine.chat import Usage
from engine.money import Money
from storage.alerts import tenant_notices
from storage.database.connection import Connection, Row, moment_or_none, ms
from storage.groups import wallets
from storage.invoices import addresses, invoices
from storage.ledger import journal
from storage.reports import usage
from storage.schedules import scheduled_prompts
from storage.teams import members, teams
from storage.telegram import conversation_list, outbox, question_upkeep
from storage.tenants import api_keys, app_tokens, personas, stored_responses, tenant_settings, tenants

GONE_STATUS = 410
GONE_BODY = json.dumps(
    {
        "error": {
            "message": "This answer was deleted by its owner; it was charged once. Use another Idempotency-Key.",
            "type": "invalid_request_error",
            "param": "Idempotency-Key",
            "code": "answer_deleted",
        }
    }
)


def export(conn: Connection, tenant_id: int, now: datetime) -> dict[str, Any]:
    """Return all data stored about a tenant, except the hashes of API keys. Raises LookupError if unknown."""
    state = tenants.state(conn, tenant_id)
    if state is None:
        raise LookupError(f"there is no tenant {tenant_id}")
    return {
        "account": {name: getattr(state, name) for name in state.__slots__ if name != "team"},
        "keys": [
            {each.name: getattr(key, each.name) for each in fields(key) if each.name != "id"}
            for key in api_keys.list_for(conn, tenant_id, now, revoked=True)
        ],
        "messages": conversation_list.everything(conn, tenant_id),
        "conversations": _conversations(conn, tenant_id),
        "scheduled_prompts": scheduled_prompts.everything(conn, tenant_id),
        "notices": tenant_notices.everything(conn, state.telegram_user_id) if state.telegram_user_id else [],
        "personas": [asdict(each) for each in personas.of_tenant(conn, tenant_id)],
        "questions": question_upkeep.everything(conn, tenant_id),
        "responses": stored_responses.everything(conn, tenant_id),
        "usage": [
            {name: getattr(row, name) for name in row.__slots__ if name not in _OPERATOR_FIELDS}
            for row in usage.rows(conn, date.min, now.date(), tenant_id)
        ],
        "groups": wallets.everything(conn, tenant_id),
        "app_sessions": app_tokens.everything(conn, tenant_id),
        "teams": teams.everything(conn, tenant_id),
        "team_shares": teams.shares_of(conn, tenant_id),
        "orders": _rows(conn, "orders", tenant_id),
        "payments": _rows(conn, "payments", tenant_id),
        "subscription": _rows(conn, "subscriptions", tenant_id),
        "wallet": [_movement(each, tenant_id) for each in _all(conn, "transfers", tenant_id, "id")],
        "invoices": [
            {
                "number": each.name,
                "month": f"{each.draft.month:%Y-%m}",
                "total_usd": each.draft.services,
                "closing_usd": each.draft.closing,
            }
            for each in invoices.of_tenant(conn, tenant_id)
        ],
        "receipts": [_receipt(each) for each in _all(conn, "receipts", tenant_id, "tenant_id")],
    }


_OPERATOR_FIELDS = frozenset({"cost", "waste", "allowance_worth"})
"""The operator's costs, which are not the tenant's data."""


def forget(conn: Connection, tenant_id: int, user_id: int, now: datetime) -> int:
    """Delete a tenant's messages, questions, waiting prompts, stored answers and responses, receipts and all names.

    Return the number of messages. A stored answer under an idempotency key is replaced by an error, so that a repeated
    request is not charged again.
    """
    conn.run(
        "UPDATE conversations SET title = '', summary = '', persona = '' WHERE chat_id = :chat"
        " OR id IN (SELECT conversation_id FROM messages WHERE tenant_id = :id)",
        chat=user_id,
        id=tenant_id,
    )
    end_membership(conn, tenant_id, now)
    teams.forget_names(conn, tenant_id)
    personas.forget(conn, tenant_id)
    scheduled_prompts.forget(conn, tenant_id)
    tenant_settings.set_setting(conn, tenant_id, tenant_settings.INSTRUCTIONS, None)
    addresses.store(conn, tenant_id, None)
    deleted = conn.run("DELETE FROM messages WHERE tenant_id = :id", id=tenant_id)
    conn.run(
        "UPDATE conversations SET ended_at = :now WHERE chat_id = :chat AND ended_at IS NULL", chat=user_id, now=ms(now)
    )
    conn.run(
        "UPDATE idempotency SET status = :status, body = :body, headers = :headers"
        " WHERE tenant_id = :id AND state = 'done'",
        id=tenant_id,
        status=GONE_STATUS,
        body=GONE_BODY,
        headers=json.dumps({"content-type": "application/json"}),
    )
    conn.run(
        "UPDATE inbox SET state = 'done', done_at = :now, payload = ''"
        " WHERE state = 'new' AND lane = 'chat' AND chat_key LIKE :keys",
        keys=f"{user_id}:%",
        now=ms(now),
    )
    question_upkeep.forget(conn, tenant_id)
    outbox.forget(conn, user_id)
    tenant_notices.forget(conn, user_id)
    conn.run("DELETE FROM receipts WHERE tenant_id = :id", id=tenant_id)
    stored_responses.forget(conn, tenant_id)
    app_tokens.end_all(conn, tenant_id)
    tenant_settings.forget_name(conn, tenant_id)
    api_keys.forget_names(conn, tenant_id)
    return deleted


def end_membership(conn: Connection, tenant_id: int, now: datetime) -> None:
    """End a person's membership in a team; a team that the person owns is dissolved.

    Raises TeamBusy during an answer.
    """
    team = teams.of_member(conn, tenant_id)
    if team is None:
        return
    if team.owner_id == tenant_id:
        teams.dissolve(conn, team.id, now)
    else:
        members.leave(conn, tenant_id, now)


def _conversations(conn: Connection, tenant_id: int) -> list[dict[str, Any]]:
    """Return the names, summaries and personas of the tenant's private conversations."""
    rows = conn.rows(
        "SELECT title, summary, persona, created_at FROM conversations WHERE chat_id > 0 AND id IN"
        " (SELECT conversation_id FROM messages WHERE tenant_id = :id) ORDER BY id",
        id=tenant_id,
    )
    return [{**found, "created_at": moment_or_none(found["created_at"])} for found in rows]


def _receipt(found: Row) -> dict[str, Any]:
    """Return a receipt without the operator's costs."""
    receipt = journal.read_receipt(found["receipt"])
    exported = ("ordinal", "provider", "model", "served", "outcome", "status", "started_at", "duration_ms")
    return {
        "request_id": receipt.request_id,
        "asked": receipt.asked,
        "answered_at": receipt.answered_at,
        "charge_usd": Money(found["charge_nanousd"]),
        "allowance_tokens": found["allowance_tokens"],
        "attempts": [
            {
                **{name: getattr(attempt, name) for name in exported},
                "usage": _usage(attempt.usage) if attempt.usage else None,
            }
            for attempt in receipt.attempts
        ],
    }


def _all(conn: Connection, table: str, tenant_id: int, order: str) -> list[Row]:
    return conn.rows(f"SELECT * FROM {table} WHERE tenant_id = :id ORDER BY {order}", id=tenant_id)


def _rows(conn: Connection, table: str, tenant_id: int) -> list[dict[str, Any]]:
    """Return a table's rows, with money in USD and times as datetimes, including payments for shared wallets."""
    payer = "" if table == "subscriptions" else " OR payer_id = :id"
    order = {"orders": "created_at", "payments": "paid_at", "subscriptions": "tenant_id"}[table]
    found = conn.rows(f"SELECT * FROM {table} WHERE tenant_id = :id{payer} ORDER BY {order}", id=tenant_id)
    return [dict(map(_converted, each.items())) for each in found]


def _converted(item: tuple[str, Any]) -> tuple[str, Any]:
    name, value = item
    if name.endswith("_at") or name == "subscription_until":
        return name, moment_or_none(value)
    if "nanousd" in name and value is not None:
        return name.replace("nanousd", "usd"), Money(value)
    return name, value


def _movement(found: Row, tenant_id: int) -> dict[str, Any]:
    came_in = found["credit"] == f"tenant:{tenant_id}"
    return {
        "at": moment_or_none(found["created_at"]),
        "kind": found["kind"],
        "from": found["debit"],
        "to": found["credit"],
        "amount_usd": Money(found["amount_nanousd"] if came_in else -found["amount_nanousd"]),
        "reason": found["reason"],
    }


def _usage(usage: Usage) -> dict[str, object]:
    """Return the counts of tokens, without the operator's cost."""
    return {name: value for name, value in structs.asdict(usage).items() if name != "cost_usd"}
