"""GET /v1/exclusions: the providers that may not see the prompts of the tenant whose key asks."""

from fastapi import APIRouter

from web.admin.exclusions import ExclusionsOut, ExclusionsStore
from web.openai.models import CurrentTenant
from web.openapi_parts import KEY_ERRORS, errors


def router(store: ExclusionsStore) -> APIRouter:
    """Return the route. A key can't change the choice: it may be in other hands than the account."""
    routes = APIRouter(prefix="/v1/exclusions", tags=["openai"], responses=errors(*KEY_ERRORS))

    @routes.get("", summary="The providers that may not see your prompts, as chosen in the bot or by the operator")
    async def own(tenant: CurrentTenant) -> ExclusionsOut:
        return store.shown(tenant.exclusions)

    return routes
