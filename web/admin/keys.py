"""The operator's routes for a tenant's API keys. A secret is shown once."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response

from storage.database.connection import Connection, row_number
from storage.operations import operator_log
from storage.operations.operator_log import BY_KEY
from storage.tenants import api_keys
from web.admin.tenants import TenantStore
from web.errors import HttpProblem, not_found
from web.key_schemas import KeyChangeIn, KeyIn, KeyList, KeyOut, NewKeyOut
from web.openapi_parts import BODY_ERRORS, KEY_ERRORS, errors
from web.schema_fields import utc_text


def key_row(row: api_keys.ApiKey) -> dict[str, Any]:
    """Return the fields of KeyOut: ids as strings, times in UTC."""
    return {
        "id": str(row.id),
        "name": row.name,
        "prefix": row.prefix,
        "tokens_per_month": row.tokens_per_month,
        "requests_per_minute": row.requests_per_minute,
        "models": None if row.models is None else list(row.models),
        "expires_at": _text(row.expires_at),
        "used_tokens": row.used_tokens,
        "created_at": utc_text(row.created_at),
        "last_used_at": _text(row.last_used_at),
        "revoked_at": _text(row.revoked_at),
    }


def new_key_out(row: api_keys.ApiKey, key: api_keys.NewKey) -> NewKeyOut:
    """Return a new or rotated key together with its secret."""
    return NewKeyOut.model_validate({**key_row(row), "key": key.secret})


def no_key(key_id: str) -> HttpProblem:
    """Return HttpProblem 404 for a key that does not exist, is revoked or belongs to another tenant."""
    return not_found(f"There is no key {key_id}.")


def router(store: TenantStore) -> APIRouter:
    routes = APIRouter(prefix="/admin/tenants/{tenant_id}/keys", tags=["keys"], responses=errors(*KEY_ERRORS, 404))

    @routes.post(
        "",
        status_code=201,
        summary="Make a key; only this answer contains its secret",
        responses=errors(*BODY_ERRORS),
    )
    async def make(tenant_id: str, body: KeyIn) -> NewKeyOut:
        tenant = await store.state(tenant_id)
        key, settings, now = api_keys.new_key(), body.settings(), store.clock.now()
        return new_key_out(await store.db.write(lambda conn: api_keys.add(conn, tenant.id, key, settings, now)), key)

    @routes.get("", summary="A tenant's keys, without their secrets")
    async def listing(tenant_id: str) -> KeyList:
        tenant = await store.state(tenant_id)
        rows = await store.db.read(lambda conn: api_keys.list_for(conn, tenant.id, store.clock.now()))
        return KeyList.model_validate({"data": [key_row(row) for row in rows]})

    @routes.get("/{key_id}", summary="One key, without its secret")
    async def one(tenant_id: str, key_id: str) -> KeyOut:
        tenant, number, now = await store.state(tenant_id), row_number(key_id), store.clock.now()
        found = await store.db.read(lambda conn: api_keys.find(conn, tenant.id, number or 0, now))
        return KeyOut.model_validate(key_row(_existing(found, key_id)))

    @routes.patch("/{key_id}", summary="Change a key's name and limits", responses=errors(*BODY_ERRORS))
    async def change(tenant_id: str, key_id: str, body: KeyChangeIn) -> KeyOut:
        tenant, number, now = await store.state(tenant_id), row_number(key_id), store.clock.now()
        changes = body.changes()
        found = await store.db.write(lambda conn: api_keys.change(conn, tenant.id, number or 0, changes, now))
        return KeyOut.model_validate(key_row(_existing(found, key_id)))

    @routes.post("/{key_id}/rotate", summary="Replace a key's secret; the old one is refused at once")
    async def rotate(tenant_id: str, key_id: str) -> NewKeyOut:
        tenant, number, now = await store.state(tenant_id), row_number(key_id), store.clock.now()
        key = api_keys.new_key()
        found = await store.db.write(lambda conn: api_keys.rotate(conn, tenant.id, number or 0, key, now))
        return new_key_out(_existing(found, key_id), key)

    @routes.delete("/{key_id}", status_code=204, summary="Revoke a key at once, permanently")
    async def revoke(tenant_id: str, key_id: str) -> Response:
        tenant, number, now = await store.state(tenant_id), row_number(key_id), store.clock.now()

        def unit(conn: Connection) -> bool:
            revoked = api_keys.revoke(conn, tenant.id, number or 0, now)
            if revoked:
                operator_log.record(conn, BY_KEY, "revoke key", now, tenant=tenant.id, detail=f"number {number}")
            return revoked

        if not await store.db.write(unit):
            raise no_key(key_id)
        return Response(status_code=204)

    return routes


def _existing(found: api_keys.ApiKey | None, key_id: str) -> api_keys.ApiKey:
    if found is None:
        raise no_key(key_id)
    return found


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
