"""API keys of a tenant: the secret is shown once."""

from typing import Any

from fastapi import APIRouter, Response

from storage.database.connection import row_number
from storage.tenants import api_keys
from web.admin.tenants import Tenants
from web.errors import not_found
from web.schemas import KeyIn, KeyList, NewKeyOut


def shown(row: api_keys.ApiKey) -> dict[str, Any]:
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


def router(desk: Tenants) -> APIRouter:
    routes = APIRouter(prefix="/admin/tenants/{tenant_id}/keys", tags=["keys"])

    @routes.post("", status_code=201, summary="Make a key; its secret is in this answer only")
    async def make(tenant_id: str, body: KeyIn) -> NewKeyOut:
        tenant = await desk.state(tenant_id)
        key = api_keys.new_key()
        row = await desk.db.write(
            lambda conn: api_keys.add(
                conn,
                tenant.id,
                key,
                name=body.name,
                tokens_per_month=body.tokens_per_month,
                now=desk.clock.now(),
            )
        )
        return NewKeyOut.model_validate({**shown(row), "key": key.secret})

    @routes.get("", summary="A tenant's keys, without their secrets")
    async def listing(tenant_id: str) -> KeyList:
        tenant = await desk.state(tenant_id)
        rows = await desk.db.read(lambda conn: api_keys.list_for(conn, tenant.id, desk.clock.now()))
        return KeyList.model_validate({"data": [shown(row) for row in rows]})

    @routes.delete("/{key_id}", status_code=204, summary="Revoke a key, at once and for good")
    async def revoke(tenant_id: str, key_id: str) -> Response:
        tenant = await desk.state(tenant_id)
        number = row_number(key_id)
        if number is None or not await desk.db.write(
            lambda conn: api_keys.revoke(conn, tenant.id, number, desk.clock.now())
        ):
            raise not_found(f"There is no key {key_id}.")
        return Response(status_code=204)

    return routes
