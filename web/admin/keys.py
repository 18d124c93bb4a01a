"""The operator's routes for a tenant's API keys. A secret is shown once."""

from typing import Any

from fastapi import APIRouter, Response

from storage.database.connection import row_number
from storage.tenants import api_keys
from web.admin.tenants import TenantStore
from web.errors import not_found
from web.openapi_parts import BODY_ERRORS, KEY_ERRORS, errors
from web.schemas import KeyIn, KeyList, NewKeyOut


def key_row(row: api_keys.ApiKey) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "prefix": row.prefix,
        "tokens_per_month": row.tokens_per_month,
        "used_tokens": row.used_tokens,
        "created_at": row.created_at.isoformat(),
        "last_used_at": row.last_used_at.isoformat() if row.last_used_at else None,
        "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
    }


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
        key = api_keys.new_key()
        row = await store.db.write(
            lambda conn: api_keys.add(
                conn,
                tenant.id,
                key,
                api_keys.KeySettings(name=body.name, tokens_per_month=body.tokens_per_month),
                store.clock.now(),
            )
        )
        return NewKeyOut.model_validate({**key_row(row), "key": key.secret})

    @routes.get("", summary="A tenant's keys, without their secrets")
    async def listing(tenant_id: str) -> KeyList:
        tenant = await store.state(tenant_id)
        rows = await store.db.read(lambda conn: api_keys.list_for(conn, tenant.id, store.clock.now()))
        return KeyList.model_validate({"data": [key_row(row) for row in rows]})

    @routes.delete("/{key_id}", status_code=204, summary="Revoke a key at once, permanently")
    async def revoke(tenant_id: str, key_id: str) -> Response:
        tenant = await store.state(tenant_id)
        number = row_number(key_id)
        if number is None or not await store.db.write(
            lambda conn: api_keys.revoke(conn, tenant.id, number, store.clock.now())
        ):
            raise not_found(f"There is no key {key_id}.")
        return Response(status_code=204)

    return routes
