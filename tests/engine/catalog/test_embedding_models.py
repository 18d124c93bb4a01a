"""Tests of the offers, quotes and dimensions of embedding models."""

from collections.abc import Mapping
from fractions import Fraction

import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.defaults import EMBEDDINGS
from engine.catalog.embedding_models import (
    bound_tokens,
    checked_dimensions,
    embedding_model,
    embedding_names,
    quote_embeddings,
)
from engine.catalog.offers import Model, Offer, Price, flat_price
from engine.catalog.price_book import PriceBook
from engine.embeddings import EmbeddingRequest
from engine.errors import BadRequest, ModelNotPriced, NotForChat, NotForEmbeddings, UnknownModel
from engine.tenancy import Flat, Markup
from tests.engine.catalog.catalogs import ALL_PROVIDERS, NOON

SMALL = "text-embedding-3-small"


def catalog(
    *configured: str,
    prices: Mapping[str, Price] | None = None,
    fees: Mapping[str, Fraction] | None = None,
    models: Mapping[str, Model] | None = None,
    free: frozenset[str] = frozenset({"local"}),
) -> Catalog:
    prices = prices or {}
    return Catalog(
        models or {"auto": Model("auto", (Offer("openai", "gpt-4o"),), Flat(1))},
        PriceBook(prices, fees or {}, free),
        (frozenset(configured) if configured else ALL_PROVIDERS).__contains__,
        known=tuple(map(Offer.named, prices)),
    )


def names(of: Catalog, name: str) -> list[str]:
    return [offer.name for offer in embedding_model(of, name).offers]


def asks(*inputs: str | tuple[int, ...]) -> EmbeddingRequest:
    return EmbeddingRequest("r", SMALL, inputs or ("hello",))


def test_bare_name_has_every_seller_of_that_very_model() -> None:
    assert names(catalog(), SMALL) == [f"openai/{SMALL}", f"openrouter/openai/{SMALL}"]
    assert names(catalog("openrouter"), SMALL) == [f"openrouter/openai/{SMALL}"]
    assert names(catalog("gemini", "mistral"), "gemini-embedding-001") == ["gemini/gemini-embedding-001"]
    assert names(catalog(), "mistral-embed-2312") == [
        "mistral/mistral-embed-2312",
        "openrouter/mistralai/mistral-embed-2312",
    ]


def test_name_with_its_provider_has_that_offer_alone() -> None:
    assert names(catalog(), f"openai/{SMALL}") == [f"openai/{SMALL}"]
    assert names(catalog(), f"openrouter/openai/{SMALL}") == [f"openrouter/openai/{SMALL}"]
    assert names(catalog("openrouter"), f"openai/{SMALL}") == [f"openrouter/openai/{SMALL}"]


def test_operators_prices_make_offers_of_further_providers() -> None:
    prices = {"box/bge-m3": flat_price("0.01", "0"), "other/bge-m3": flat_price("0.02", "0")}
    assert names(catalog("box", "other", prices=prices), "bge-m3") == ["box/bge-m3", "other/bge-m3"]
    assert names(catalog("other", prices=prices), "bge-m3") == ["other/bge-m3"]


def test_local_servers_embed_with_any_model_but_take_no_name_of_a_provider() -> None:
    assert names(catalog(), "local/anything") == ["local/anything"]
    free = frozenset({"local", "box"})
    assert names(catalog("local", "box", free=free), "nomic-embed-text") == [
        "box/nomic-embed-text",
        "local/nomic-embed-text",
    ]
    assert names(catalog("local"), "nomic-ai/nomic-embed-text-v1.5") == ["local/nomic-ai/nomic-embed-text-v1.5"]
    for name in (SMALL, f"openai/{SMALL}"):
        with pytest.raises(UnknownModel):
            embedding_model(catalog("local"), name)
    with pytest.raises(UnknownModel):
        embedding_model(catalog("openai"), "nomic-embed-text")


@pytest.mark.parametrize("name", ["gpt-4o", "openai/gpt-4o", "auto"])
def test_model_that_answers_prompts_makes_no_embeddings(name: str) -> None:
    with pytest.raises(NotForEmbeddings, match="makes no embeddings"):
        embedding_model(catalog(), name)


@pytest.mark.parametrize("name", ["nothing", "openai/nothing", "", "a//b", "openai/gpt-4o-search-preview"])
def test_unknown_name_is_an_unknown_model(name: str) -> None:
    with pytest.raises(UnknownModel):
        embedding_model(catalog(), name)


@pytest.mark.parametrize("name", ["openai/text-embedding-9", "openrouter/qwen/qwen3-embedding-8b", "gemini/embed-x"])
def test_embedding_model_without_a_price_is_not_sold(name: str) -> None:
    with pytest.raises(ModelNotPriced, match="no exact price"):
        embedding_model(catalog(), name)


def test_model_without_a_readable_price_is_not_sold() -> None:
    of = catalog("openai")
    model = Model("embed", (Offer("openai", "text-embedding-9"),), Flat(1))
    with pytest.raises(ModelNotPriced):
        quote_embeddings(of, asks(), model, NOON)


def test_embedding_model_answers_no_prompt() -> None:
    for name in (SMALL, f"openai/{SMALL}", "local/bge-m3", "mistral-embed"):
        with pytest.raises(NotForChat, match="answers no prompt"):
            catalog().model(name)


def test_configured_name_is_taken_where_its_offers_are_of_one_model() -> None:
    one = Model("embed", (Offer("openai", SMALL), Offer("openrouter", f"openai/{SMALL}")), Flat(5))
    two = Model("mixed", (Offer("openai", SMALL), Offer("mistral", "mistral-embed")), Flat(5))
    of = catalog(models={"embed": one, "mixed": two})
    assert embedding_model(of, "embed") is one
    with pytest.raises(NotForEmbeddings):
        embedding_model(of, "mixed")
    assert "embed" in embedding_names(of)
    assert "mixed" not in embedding_names(of)


def test_every_default_has_a_price_and_is_listed() -> None:
    of = catalog()
    assert embedding_names(of) == tuple(sorted(EMBEDDINGS))
    for name in EMBEDDINGS:
        assert quote_embeddings(of, asks(), embedding_model(of, name), NOON)[0]
    assert embedding_names(catalog("mistral")) == ("mistral/codestral-embed", "mistral/mistral-embed")


@pytest.mark.parametrize(
    ("name", "usd_per_mtok"),
    [
        (SMALL, "0.02"),
        ("text-embedding-3-large", "0.13"),
        ("text-embedding-ada-002", "0.1"),
        ("gemini-embedding-001", "0.15"),
        ("mistral/mistral-embed", "0.1"),
        ("mistral/codestral-embed", "0.15"),
    ],
)
def test_quote_is_the_catalogues_price_of_the_input_alone(name: str, usd_per_mtok: str) -> None:
    of, request = catalog(), asks("hello " * 100)
    quote = quote_embeddings(of, request, embedding_model(of, name), NOON)[0][0]
    assert quote.price.tiers[0][1].input == round(float(usd_per_mtok) * 100) * 10**10
    assert quote.expected_atto == quote.input_tokens * quote.price.tiers[0][1].input > 0
    assert quote.expected_tokens == quote.input_tokens


def test_resold_embeddings_cost_the_vendors_price_and_the_fee() -> None:
    of = catalog(fees={"openrouter": Fraction("0.055")})
    quotes, _ = quote_embeddings(of, asks(), embedding_model(of, SMALL), NOON)
    direct, resold = (quote.price.tiers[0][1].input for quote in quotes)
    assert (direct, resold) == (2 * 10**10, 2110 * 10**7)
    assert embedding_model(of, SMALL).tariff == Markup(Fraction("1.4"))


def test_hold_is_for_every_byte_and_every_token() -> None:
    assert bound_tokens(asks("héllo", "hi")) == 6 + 3 + 2 + 3
    assert bound_tokens(asks((1, 2, 3), "\ud800")) == 3 + 3 + 3 + 3


def test_token_lists_go_to_models_of_their_vocabulary_alone() -> None:
    of = catalog()
    quotes, drops = quote_embeddings(of, asks((1, 2)), embedding_model(of, SMALL), NOON)
    assert [quote.offer.provider for quote in quotes] == ["openai", "openrouter"]
    assert quotes[0].input_tokens == 2
    quotes, drops = quote_embeddings(of, asks("text", (1, 2)), embedding_model(of, "mistral-embed"), NOON)
    assert not quotes
    assert all("token lists" in drop.reason for drop in drops)


@pytest.mark.parametrize(
    ("name", "dimensions", "sent"),
    [
        (SMALL, None, None),
        (SMALL, 1, 1),
        (SMALL, 1536, 1536),
        ("text-embedding-3-large", 3072, 3072),
        ("text-embedding-ada-002", 1536, None),
        ("mistral-embed", 1024, None),
        ("local/bge-m3", 99, 99),
    ],
)
def test_dimensions_are_asked_for_where_a_model_has_a_choice(name: str, dimensions: int | None, sent: int) -> None:
    assert checked_dimensions(embedding_model(catalog(), name), dimensions) == sent


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [(SMALL, 1537), (SMALL, 0), ("text-embedding-ada-002", 512), ("mistral-embed", 1025), ("codestral-embed", 3073)],
)
def test_dimensions_that_a_model_does_not_have_are_refused(name: str, dimensions: int) -> None:
    with pytest.raises(BadRequest) as refused:
        checked_dimensions(embedding_model(catalog(), name), dimensions)
    assert refused.value.field == "dimensions"
