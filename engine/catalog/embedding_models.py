"""Embedding models: the offers behind a name, their quotes, and the numbers of dimensions that each model can return.

Vectors of different models can't be compared, so all offers behind a name are of the same model. The name shows whether
a model makes embeddings; a local server may embed with any model.
"""

from collections.abc import Iterator
from datetime import datetime

from engine.catalog.catalog import Catalog
from engine.catalog.defaults import EMBEDDINGS
from engine.catalog.model_names import MOST_NAME_CHARS, is_embedding_name, is_model_name
from engine.catalog.offers import Drop, Model, Offer, Quote
from engine.catalog.price_book import RESOLD
from engine.catalog.token_counts import estimate_text
from engine.embeddings import EmbeddingRequest
from engine.errors import BadRequest, ModelNotPriced, ModelNotSold, NotForEmbeddings, UnknownModel
from engine.tenancy import Markup

PER_INPUT_TOKENS = 3  # tokens that a model may add to each text: start token, end token, SentencePiece's leading space
_DIMENSIONS: tuple[tuple[str, int, int], ...] = (
    # (a part of the model's name, the fewest and the most dimensions). Sources: developers.openai.com/api/docs/guides/
    # embeddings, docs.mistral.ai/studio/knowledge-rag/embeddings, ai.google.dev/gemini-api/docs/embeddings.
    ("text-embedding-3-small", 1, 1536),
    ("text-embedding-3-large", 1, 3072),
    ("text-embedding-ada-002", 1536, 1536),
    ("mistral-embed", 1024, 1024),
    ("codestral-embed", 1, 3072),
    ("gemini-embedding", 1, 3072),
)
_OPENAI_VOCABULARY = ("text-embedding-3-", "text-embedding-ada-")


def embedding_model(catalog: Catalog, name: str) -> Model:
    """Return the model for a configured name, for `provider/model`, or for a bare model name with all its sellers.

    Raises UnknownModel, ModelNotPriced, and NotForEmbeddings for a model that answers prompts.
    """
    if name in catalog.models:
        return _configured_model(catalog, name)
    if not is_model_name(name):
        raise UnknownModel(name[:MOST_NAME_CHARS], embedding_names(catalog))
    offers = tuple(dict.fromkeys(_sellers(catalog, name)))
    if offers:
        return Model(name, offers, Markup(catalog.named_markup))
    if not is_embedding_name(name):
        raise _not_embedding(catalog, name)
    if catalog.configured(Offer.named(name).provider):
        raise ModelNotPriced(name)
    raise UnknownModel(name, embedding_names(catalog))


def embedding_names(catalog: Catalog) -> tuple[str, ...]:
    """Return the embedding models to list: the operator's own, and the default ones whose providers have a key."""
    known = (*_named_offers(catalog), *map(Offer.named, EMBEDDINGS))
    offers = sorted(
        {each.name for each in known if is_embedding_name(each.model) and catalog.configured(each.provider)}
    )
    return (*(name for name in catalog.models if _is_one_model(catalog.models[name])), *offers)


def quote_embeddings(
    catalog: Catalog, request: EmbeddingRequest, model: Model, at: datetime
) -> tuple[tuple[Quote, ...], tuple[Drop, ...]]:
    """Return the offers that can embed the inputs, each with a price, and the other offers with a reason.

    The hold covers the UTF-8 bytes of the texts; token lists are counted exactly. Raises ModelNotPriced.
    """
    tokens, most_tokens = estimated_tokens(request), bound_tokens(request)
    quotes: list[Quote] = []
    drops: list[Drop] = []
    for offer in model.offers:
        price = catalog.book.price(offer.provider, offer.model, at)
        if price is None:
            drops.append(Drop(offer, _NO_PRICE))
        elif reason := _unable(catalog, request, offer) or catalog.policies.reason(request.exclusions, offer.provider):
            drops.append(Drop(offer, reason))
        else:
            expected = tokens * price.rates(tokens).input
            quotes.append(Quote(offer, price, expected, most_tokens, expected_tokens=tokens, input_tokens=tokens))
    if drops and all(drop.reason == _NO_PRICE for drop in drops) and not quotes:
        raise ModelNotPriced(model.name)
    return tuple(quotes), tuple(drops)


def checked_dimensions(model: Model, dimensions: int | None) -> int | None:
    """Return the number of dimensions to request; None for the model's full number.

    Raises BadRequest for a wrong number.
    """
    name = model.offers[0].model
    known = next(((least, most) for part, least, most in _DIMENSIONS if part in name), None)
    if dimensions is None or known is None:
        return dimensions
    least, most = known
    if least == most:
        if dimensions != most:
            raise BadRequest("dimensions", f"the model {model.name} has {most} dimensions and no other number")
        return None
    if not least <= dimensions <= most:
        raise BadRequest("dimensions", f"must be a whole number from {least} to {most} for the model {model.name}")
    return dimensions


def estimated_tokens(request: EmbeddingRequest) -> int:
    """Return the estimated number of tokens of all inputs."""
    return sum(estimate_text(each) if isinstance(each, str) else len(each) for each in request.inputs)


def bound_tokens(request: EmbeddingRequest) -> int:
    """Return the highest number of tokens that a provider can count for the inputs."""
    return sum(_bound(each) for each in request.inputs)


_NO_PRICE = "no exact price is known"
_TEXT_ONLY = "takes texts only: token lists are in the vocabulary of OpenAI's own models"


def _bound(each: str | tuple[int, ...]) -> int:
    size = len(each.encode("utf-8", "surrogatepass")) if isinstance(each, str) else len(each)
    return size + PER_INPUT_TOKENS


def _unable(catalog: Catalog, request: EmbeddingRequest, offer: Offer) -> str:
    if not catalog.configured(offer.provider):
        return "not configured"
    has_vocabulary = any(part in offer.model for part in _OPENAI_VOCABULARY)
    return _TEXT_ONLY if request.has_tokens and not has_vocabulary else ""


def _configured_model(catalog: Catalog, name: str) -> Model:
    model = catalog.models[name]
    if not _is_one_model(model):
        raise NotForEmbeddings(name)
    return model


def _is_one_model(model: Model) -> bool:
    """Return whether all offers are of one embedding model: vectors of different models can't be compared."""
    return all(is_embedding_name(offer.model) for offer in model.offers) and len(set(map(_identity, model.offers))) == 1


def _identity(offer: Offer) -> str:
    """Return the model's own name, without the vendor's name that a reseller puts before it."""
    vendor, slash, name = offer.model.partition("/")
    return name if slash and vendor in RESOLD.get(offer.provider, {}) else offer.model


def _sellers(catalog: Catalog, name: str) -> Iterator[Offer]:
    """Yield the configured offers of a name: one for `provider/model`, all sellers for a bare model name."""
    exact = Offer.named(name)
    if exact.model and catalog.configured(exact.provider):
        if _is_sold(catalog, exact):
            yield exact
            return
    elif is_embedding_name(name):
        found = tuple(_offers_of_model(catalog, name))
        yield from found or _local_offers(catalog, name)


def _local_offers(catalog: Catalog, name: str) -> Iterator[Offer]:
    """Yield the offers of local servers, which have no price, unless the price catalogue has a model of that name."""
    if not catalog.book.sellers(name, lambda _: True) and not catalog.book.knows(*Offer.named(name)):
        yield from (Offer(each, name) for each in sorted(catalog.book.free_providers) if catalog.configured(each))


def _named_offers(catalog: Catalog) -> tuple[Offer, ...]:
    """Return every offer that the operator has named, in a model or in a price."""
    return (*catalog.known, *(offer for model in catalog.models.values() for offer in model.offers))


def _offers_of_model(catalog: Catalog, name: str) -> Iterator[Offer]:
    named = (offer for offer in _named_offers(catalog) if name in {offer.model, _identity(offer)})
    yield from (offer for offer in named if catalog.configured(offer.provider))
    yield from (Offer(provider, name) for provider in catalog.book.sellers(name, catalog.configured))
    for reseller, vendors in RESOLD.items():
        resold = (Offer(reseller, f"{vendor}/{name}") for vendor in vendors)
        if catalog.configured(reseller):
            yield from (offer for offer in resold if catalog.book.knows(reseller, offer.model))


def _is_sold(catalog: Catalog, offer: Offer) -> bool:
    """Return whether a configured provider sells the model for embeddings; a local server may embed with any model."""
    if offer.provider in catalog.book.free_providers:
        return True
    return is_embedding_name(offer.model) and catalog.book.knows(offer.provider, offer.model)


def _not_embedding(catalog: Catalog, name: str) -> NotForEmbeddings | UnknownModel:
    """Return the error for a model that makes no embeddings: either it answers prompts, or it does not exist."""
    try:
        catalog.model(name)
    except (UnknownModel, ModelNotSold):
        return UnknownModel(name, embedding_names(catalog))
    return NotForEmbeddings(name)
