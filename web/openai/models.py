"""GET /v1/models: the models that a key may request, in the shape that the client expects."""

from contextlib import suppress
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request

from engine.catalog.catalog import Catalog
from engine.catalog.embedding_models import embedding_model, embedding_names
from engine.errors import ModelNotPriced, ModelNotSold, NotForEmbeddings, UnknownModel
from engine.tenancy import Tenant
from web.auth import Caller
from web.errors import HttpProblem
from web.model_pages import AnthropicModel, AnthropicModelList, Page
from web.model_pages import model_out as anthropic_model
from web.openapi_parts import KEY_ERRORS, errors, ref
from web.schemas import ModelList, ModelOut

EITHER_ERROR = {"anyOf": [ref("Error"), ref("AnthropicError")]}
"""The errors of paths that both OpenAI's and Anthropic's clients call, in the format of the client's family."""
CREATED = 1_767_225_600  # OpenAI's clients require a creation time; our models have none


def tenant_of(request: Request) -> Tenant:
    caller: Caller = request.state.caller
    assert caller.tenant is not None  # the middleware admits only tenants' keys to /v1
    return caller.tenant


CurrentTenant = Annotated[Tenant, Depends(tenant_of)]
Version = Annotated[
    str | None,
    Header(alias="anthropic-version", description="Of Anthropic's clients: the answer has its shape"),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="Models on a page, in Anthropic's shape")]
Cursor = Annotated[str | None, Query(description="A model's id, in Anthropic's shape: the page is beside it")]


def router(catalog: Catalog) -> APIRouter:
    routes = APIRouter(prefix="/v1/models", tags=["openai"], responses=errors(*KEY_ERRORS, schema=EITHER_ERROR))

    @routes.get("", summary="The models that this key may ask for", responses=errors(400, 404, schema=EITHER_ERROR))
    async def listing(
        tenant: CurrentTenant,
        version: Version = None,
        limit: Limit = 20,
        after_id: Cursor = None,
        before_id: Cursor = None,
    ) -> ModelList | AnthropicModelList:
        names = _names(catalog, tenant)
        if version is not None:
            return Page(limit, after_id, before_id).of(names)
        return ModelList(data=[_model_out(name) for name in names])

    @routes.get("/{model:path}", summary="One model", responses=errors(404, schema=EITHER_ERROR))
    async def one(model: str, tenant: CurrentTenant, version: Version = None) -> ModelOut | AnthropicModel:
        if not _is_sold(catalog, model) or not tenant.allows(model):
            text = f"The model {model!r} does not exist; see GET /v1/models."
            raise HttpProblem(404, text, code="model_not_found", param="model")
        return _model_out(model) if version is None else anthropic_model(model)

    return routes


def _names(catalog: Catalog, tenant: Tenant) -> list[str]:
    """Return the names that the tenant's key may request. The key's own list may have bare names, such as gpt-4o."""
    names = (*catalog.names(), *embedding_names(catalog))
    listed = tenant.key.models if tenant.key is not None and tenant.key.models is not None else ()
    bare = (name for name in listed if name not in names and _is_sold(catalog, name))
    return [name for name in (*names, *bare) if tenant.allows(name)]


def _is_sold(catalog: Catalog, model: str) -> bool:
    """Return True if a completion, or a request for embeddings, would accept the model."""
    for find in (catalog.model, partial(embedding_model, catalog)):
        with suppress(UnknownModel, ModelNotSold, NotForEmbeddings, ModelNotPriced):
            find(model)
            return True
    return False


def _model_out(name: str) -> ModelOut:
    owner = name.partition("/")[0] if "/" in name else "farthing"
    return ModelOut(id=name, created=CREATED, owned_by=owner)
