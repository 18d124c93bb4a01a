"""A catalogue of six offers at a fixed time, and its quotes by offer name."""

from collections.abc import Mapping
from datetime import UTC, datetime

from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer
from engine.catalog.price_book import PriceBook
from engine.chat import ChatRequest, Message, Role, says
from engine.tenancy import Flat

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
AUTO = tuple(
    map(
        Offer.named,
        (
            "deepseek/deepseek-v4-flash",
            "gemini/gemini-2.5-flash-lite",
            "groq/openai/gpt-oss-20b",
            "anthropic/claude-haiku-5-5",
            "openai/gpt-4o-mini",
            "openai/gpt-4o",
        ),
    )
)
ALL_PROVIDERS = frozenset({"deepseek", "gemini", "openrouter", "groq", "anthropic", "openai", "mistral", "local"})
HELLO = says(Role.USER, "Hello, how are you today?")


def catalog(
    configured: frozenset[str] = ALL_PROVIDERS,
    offers: tuple[Offer, ...] = AUTO,
    known: tuple[Offer, ...] = (),
    contexts: Mapping[str, int] | None = None,
    book: PriceBook | None = None,
) -> Catalog:
    auto = Model("auto", offers, Flat(5 * 10**12), frozenset({Offer("openai", "gpt-4o")}))
    return Catalog({"auto": auto}, book or PriceBook(), configured.__contains__, known=known, contexts=contexts or {})


def asks(*messages: Message, **more: object) -> ChatRequest:
    return ChatRequest("r", "auto", messages or (HELLO,), **more)  # type: ignore[arg-type]


def dropped(of: Catalog, request: ChatRequest) -> dict[str, str]:
    _, drops = of.quote(request, of.model("auto"), NOON)
    return {drop.offer.name: drop.reason for drop in drops}


def quoted(of: Catalog, request: ChatRequest) -> dict[str, int]:
    quotes, _ = of.quote(request, of.model("auto"), NOON)
    return {quote.offer.name: quote.expected_atto for quote in quotes}
