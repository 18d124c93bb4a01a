from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.offers import Drop, Model, Offer
from engine.catalog.prices import PriceBook, flat_price
from engine.chat import ChatRequest, Image, Message, Options, Role, Text, Tool, says
from engine.errors import UnknownModel
from engine.tenancy import Flat, Markup

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
EVERYONE = frozenset({"deepseek", "gemini", "openrouter", "groq", "anthropic", "openai", "mistral", "local"})
HELLO = says(Role.USER, "Hello, how are you today?")


def catalog(
    configured: frozenset[str] = EVERYONE,
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


def test_a_configured_name_is_its_model() -> None:
    assert catalog().model("auto").tariff == Flat(5 * 10**12)


def test_an_offer_asked_for_by_name_is_paid_with_a_markup() -> None:
    model = catalog().model("deepseek/deepseek-v4-flash")
    assert model.offers == (Offer("deepseek", "deepseek-v4-flash"),)
    assert model.tariff == Markup(Fraction("1.4"))


def test_a_bare_name_is_everyone_who_sells_it() -> None:
    both = catalog(known=(Offer("mybox", "gpt-4o"),), configured=EVERYONE | {"mybox"}).model("gpt-4o")
    assert set(both.offers) == {Offer("openai", "gpt-4o"), Offer("mybox", "gpt-4o")}


def test_a_bare_name_that_only_the_price_catalogue_knows_is_found() -> None:
    assert catalog().model("gpt-5-nano").offers == (Offer("openai", "gpt-5-nano"),)


def test_a_name_with_a_slash_of_its_own_is_found_where_we_offer_it() -> None:
    offers = catalog().model("openai/gpt-oss-20b").offers
    assert [offer.provider for offer in offers] == ["groq", "openrouter"]


def test_a_provider_asked_for_by_name_is_the_only_one() -> None:
    assert catalog().model("anthropic/claude-haiku-4-5").offers == (Offer("anthropic", "claude-haiku-4-5"),)


def test_a_server_of_ones_own_is_taken_at_its_word() -> None:
    assert catalog().model("local/llama3.2").offers == (Offer("local", "llama3.2"),)


@pytest.mark.parametrize("name", ["gpt-nobody", "openai/gpt-nobody", "nobody/gpt-4o", "openai/", "/", "", "openai"])
def test_what_nobody_sells_is_unknown(name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        catalog().model(name)
    assert caught.value.known == ("auto",)


@pytest.mark.parametrize("name", ["gpt-4o", "openai/gpt-4o", "gpt-5-nano", "local/llama3.2"])
def test_what_nobody_configured_sells_is_unknown_too(name: str) -> None:
    with pytest.raises(UnknownModel):
        catalog(configured=frozenset({"deepseek"})).model(name)


def test_names_are_the_models_and_what_can_be_bought() -> None:
    names = catalog(configured=frozenset({"gemini"}), known=(Offer("gemini", "gemini-3.8-flash"),)).names()
    assert names == ("auto", "gemini/gemini-2.5-flash-lite", "gemini/gemini-3.8-flash")


def test_an_unconfigured_provider_is_dropped_for_that() -> None:
    reasons = dropped(catalog(configured=EVERYONE - {"deepseek"}), asks())
    assert reasons == {"deepseek/deepseek-v4-flash": "not configured"}


def test_an_offer_without_a_price_is_dropped_not_free() -> None:
    unpriced = Offer("openrouter", "openai/gpt-oss-20b:free")
    of = catalog(offers=(*AUTO, unpriced))
    assert of.quote(asks(), of.model("auto"), NOON)[1] == (Drop(unpriced, "no price is known"),)


def test_a_quote_is_tokens_times_the_price_of_this_minute() -> None:
    of = catalog()
    at_peak = NOON.replace(hour=2)
    (calm,), (peak,) = (of.quote(asks(), of.model("deepseek/deepseek-v4-flash"), at)[0] for at in (NOON, at_peak))
    assert peak.expected_atto == 2 * calm.expected_atto


def test_an_answer_is_quoted_at_its_usual_length_or_its_limit() -> None:
    own = flat_price("0", "1")
    of = catalog(offers=(Offer("x", "y"),), configured=frozenset({"x"}), book=PriceBook({"x/y": own}))
    lengths = [asks(), asks(max_output_tokens=10), asks(max_output_tokens=10**6), asks(n=3)]
    assert [quoted(of, request)["x/y"] // 10**12 for request in lengths] == [240, 10, 240, 720]


def test_only_the_last_resort_is_marked_so() -> None:
    of = catalog()
    quotes, _ = of.quote(asks(), of.model("auto"), NOON)
    assert [quote.offer.name for quote in quotes if quote.last_resort] == ["openai/gpt-4o"]


def test_pictures_go_where_they_are_seen() -> None:
    picture = Message(Role.USER, (Text("what is it?"), Image("data:image/png;base64,AAAA")))
    assert dropped(catalog(), asks(picture)) == {
        "deepseek/deepseek-v4-flash": "takes no images",
        "groq/openai/gpt-oss-20b": "takes no images",
    }


def test_a_picture_at_gpt_4o_mini_is_dearer_than_at_gpt_4o() -> None:
    picture = Message(Role.USER, (Image("data:image/png;base64,AAAA"),))
    costs = quoted(catalog(), asks(picture, max_output_tokens=1))
    assert costs["openai/gpt-4o-mini"] > costs["openai/gpt-4o"] > costs["gemini/gemini-2.5-flash-lite"]


def test_several_choices_go_where_they_are_given() -> None:
    assert set(dropped(catalog(), asks(n=2))) == {
        "deepseek/deepseek-v4-flash",
        "groq/openai/gpt-oss-20b",
        "anthropic/claude-haiku-5-5",
    }


def test_tools_and_json_go_where_they_are_known() -> None:
    gemma = Offer("gemini", "gemma-3-27b-it")
    of = catalog(offers=(*AUTO, gemma), book=PriceBook({gemma.name: flat_price("0", "0")}))
    tooled = asks(options=Options(tools=(Tool("t"),), response_format={"type": "json_object"}))
    assert dropped(of, tooled) == {gemma.name: "calls no tools, has no JSON mode"}


def test_a_context_that_is_too_short_is_told_with_the_numbers() -> None:
    of = catalog(contexts={"openai/gpt-4o": 100, "gemini/gemini-2.5-flash-lite": 10**6})
    reasons = dropped(of, asks(says(Role.USER, "word " * 200)))
    assert reasons["openai/gpt-4o"].startswith("context too short: 100 tokens, and about ")
    assert len(reasons) == 1


def test_a_long_prompt_pays_for_the_cache_that_newer_gpts_write() -> None:
    luna = Offer("openai", "gpt-6-luna")
    of = catalog(offers=(luna,))
    short, long = (asks(says(Role.USER, "word " * words), max_output_tokens=1) for words in (100, 2000))
    per_token = [quoted(of, request)[luna.name] / (len(request.messages[0].text) / 4.1) for request in (short, long)]
    assert per_token[1] / per_token[0] == pytest.approx(1.25, rel=0.1)
