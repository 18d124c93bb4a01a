"""The providers that may not see a tenant's prompts: read and set by the operator."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StrictBool, StringConstraints

from engine.gateway.question import Market
from engine.privacy import Exclusions, stored_exclusions
from storage.database.connection import Connection
from storage.operations import operator_log
from storage.operations.operator_log import BY_KEY
from storage.tenants import tenant_settings, tenants
from web.admin.tenants import TenantStore
from web.errors import bad_request
from web.openapi_parts import BODY_ERRORS, KEY_ERRORS, errors
from web.schema_fields import In

CountryCode = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
MOST = 1000


class ExclusionsIn(In):
    """The whole choice: a list that is absent is empty. `training`: leave out all that may train on prompts."""

    providers: list[str] = Field([], max_length=MOST)
    countries: list[CountryCode] = Field([], max_length=MOST, description="Seats of providers, as ISO 3166 codes")
    training: StrictBool = False

    def exclusions(self) -> Exclusions:
        return Exclusions(frozenset(self.providers), frozenset(self.countries), self.training)


class ExclusionsOut(BaseModel):
    """The choice, and the providers with a key that it leaves out: nothing of the tenant is sent to these."""

    providers: list[str]
    countries: list[str]
    training: bool
    left_out: list[str]


class ExclusionsStore:
    """Reads and sets the exclusions of tenants."""

    def __init__(self, tenants_store: TenantStore, market: Market) -> None:
        self.tenants, self._market = tenants_store, market

    def shown(self, exclusions: Exclusions) -> ExclusionsOut:
        catalog = self._market.catalog
        covered = (name for name in self._market.providers if exclusions.cover(name, catalog.policies.of(name)))
        return ExclusionsOut(
            **stored_exclusions(exclusions), left_out=sorted(name for name in covered if catalog.configured(name))
        )

    async def store(self, tenant_id: int, exclusions: Exclusions) -> None:
        """Replace a tenant's exclusions. Raises HttpProblem 400 for an unknown provider: it would leave out none."""
        unknown = sorted(exclusions.providers - self._market.providers.keys())
        if unknown:
            known = ", ".join(sorted(self._market.providers))
            raise bad_request("providers", f"providers: there is no {unknown[0]!r}; choose from {known}.")
        now, stored = self.tenants.clock.now(), stored_exclusions(exclusions) if exclusions else None

        def unit(conn: Connection) -> None:
            tenant_settings.set_setting(conn, tenant_id, tenants.EXCLUSIONS, stored)
            operator_log.record(conn, BY_KEY, "exclusions", now, tenant=tenant_id, detail=_detail(exclusions))

        await self.tenants.db.write(unit)


def operator_router(store: ExclusionsStore) -> APIRouter:
    routes = APIRouter(
        prefix="/admin/tenants/{tenant_id}/exclusions", tags=["tenants"], responses=errors(*KEY_ERRORS, 404)
    )

    @routes.get("", summary="The providers that may not see a tenant's prompts")
    async def read(tenant_id: str) -> ExclusionsOut:
        return store.shown((await store.tenants.state(tenant_id)).exclusions)

    @routes.put("", summary="Set the providers that may not see a tenant's prompts", responses=errors(*BODY_ERRORS))
    async def change(tenant_id: str, body: ExclusionsIn) -> ExclusionsOut:
        state, exclusions = await store.tenants.state(tenant_id), body.exclusions()
        await store.store(state.id, exclusions)
        return store.shown(exclusions)

    return routes


def _detail(exclusions: Exclusions) -> str:
    """Return the choice on one line, for the operators' log."""
    training = ["training"] if exclusions.training else []
    return ", ".join([*sorted(exclusions.providers), *sorted(exclusions.countries), *training]) or "none"
