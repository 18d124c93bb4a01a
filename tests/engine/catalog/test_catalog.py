from datetime import timedelta
from fractions import Fraction

import pytest

from engine.catalog.free_tiers import FREE_PRICE, FreeTierLimits, FreeTiers
from engine.catalog.offers import Drop, Model, Offer, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import Image, Message, Options, Role, Text, Tool, Usage, says
from engine.errors import NotForChat, UnknownModel
from engine.tenancy import Flat, Markup
from tests.engine.catalog.catalogs import ALL_PROVIDERS, AUTO, HELLO, NOON, asks, catalog, dropped, quoted


def test_configured_name_is_its_model() -> None:
    assert catalog().model("auto").tariff == Flat(5 * 10**12)


def test_configured_model_of_embedding_offers_answers_no_prompt() -> None:
    found = catalog()
    own = Model("own", (Offer("openai", "text-embedding-3-small"),), Flat(1))
    mixed = Model("mixed", (*own.offers, Offer("openai", "gpt-4o")), Flat(1))
    found.models = {"own": own, "mixed": mixed}
    with pytest.raises(NotForChat, match="'own' makes embeddings"):
        found.model("own")
    assert found.model("mixed") is mixed


def test_offer_asked_for_by_name_is_charged_with_a_markup() -> None:
    model = catalog().model("deepseek/deepseek-v4-flash")
    assert model.offers == (Offer("deepseek", "deepseek-v4-flash"),)
    assert model.tariff == Markup(Fraction("1.4"))


def test_bare_name_means_every_provider_that_sells_it() -> None:
    both = catalog(known=(Offer("mybox", "gpt-4o"),), configured=ALL_PROVIDERS | {"mybox"}).model("gpt-4o")
    assert set(both.offers) == {Offer("openai", "gpt-4o"), Offer("mybox", "gpt-4o")}


def test_bare_name_is_found_in_the_price_catalogue() -> None:
    assert catalog().model("gpt-5-nano").offers == (Offer("openai", "gpt-5-nano"),)


def test_model_name_with_a_slash_is_found() -> None:
    offers = catalog().model("openai/gpt-oss-20b").offers
    assert [offer.provider for offer in offers] == ["groq", "openrouter"]


def test_provider_asked_for_by_name_is_the_only_one() -> None:
    assert catalog().model("anthropic/claude-haiku-4-5").offers == (Offer("anthropic", "claude-haiku-4-5"),)


@pytest.mark.parametrize("name", ["gpt-nobody", "openai/gpt-nobody", "nobody/gpt-4o", "openai/", "/", "", "openai"])
def test_unsold_model_is_unknown(name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        catalog().model(name)
    assert caught.value.known == ("auto",)


@pytest.mark.parametrize("name", ["gpt-4o", "openai/gpt-4o", "gpt-5-nano", "local/llama3.2"])
def test_model_of_unconfigured_providers_is_unknown(name: str) -> None:
    with pytest.raises(UnknownModel):
        catalog(configured=frozenset({"deepseek"})).model(name)


def test_names_are_the_models_and_the_configured_offers() -> None:
    names = catalog(configured=frozenset({"gemini"}), known=(Offer("gemini", "gemini-3.8-flash"),)).names()
    assert names == ("auto", "gemini/gemini-2.5-flash-lite", "gemini/gemini-3.8-flash")


def test_unconfigured_provider_is_dropped() -> None:
    reasons = dropped(catalog(configured=ALL_PROVIDERS - {"deepseek"}), asks())
    assert reasons == {"deepseek/deepseek-v4-flash": "not configured"}


def test_offer_without_a_price_is_dropped() -> None:
    unpriced = Offer("openrouter", "openai/gpt-oss-20b:free")
    of = catalog(offers=(*AUTO, unpriced))
    assert of.quote(asks(), of.model("auto"), NOON)[1] == (Drop(unpriced, "no price is known"),)


def test_quote_is_tokens_times_the_price_of_this_minute() -> None:
    of = catalog()
    at_peak = NOON.replace(hour=2)
    (calm,), (peak,) = (of.quote(asks(), of.model("deepseek/deepseek-v4-flash"), at)[0] for at in (NOON, at_peak))
    assert peak.expected_atto == 2 * calm.expected_atto


def test_answer_is_quoted_at_its_usual_length_or_its_limit() -> None:
    own = flat_price("0", "1")
    of = catalog(offers=(Offer("x", "y"),), configured=frozenset({"x"}), book=PriceBook({"x/y": own}))
    lengths = [asks(), asks(max_output_tokens=10), asks(max_output_tokens=10**6), asks(n=3)]
    assert [quoted(of, request)["x/y"] // 10**12 for request in lengths] == [240, 10, 240, 720]


def test_only_the_last_resort_is_marked_so() -> None:
    of = catalog()
    quotes, _ = of.quote(asks(), of.model("auto"), NOON)
    assert [quote.offer.name for quote in quotes if quote.last_resort] == ["openai/gpt-4o"]


def test_offers_that_take_no_images_are_dropped_for_a_picture() -> None:
    picture = Message(Role.USER, (Text("what is it?"), Image("data:image/png;base64,AAAA")))
    assert dropped(catalog(), asks(picture)) == {
        "deepseek/deepseek-v4-flash": "takes no images",
        "groq/openai/gpt-oss-20b": "takes no images",
    }


def test_picture_costs_more_at_gpt_4o_mini_than_at_gpt_4o() -> None:
    picture = Message(Role.USER, (Image("data:image/png;base64,AAAA"),))
    costs = quoted(catalog(), asks(picture, max_output_tokens=1))
    assert costs["openai/gpt-4o-mini"] > costs["openai/gpt-4o"] > costs["gemini/gemini-2.5-flash-lite"]


def test_offers_with_one_choice_are_dropped_for_two() -> None:
    assert set(dropped(catalog(), asks(n=2))) == {
        "deepseek/deepseek-v4-flash",
        "groq/openai/gpt-oss-20b",
        "anthropic/claude-haiku-5-5",
    }


def test_two_choices_are_one_where_no_offer_gives_two() -> None:
    one = catalog(offers=(Offer("deepseek", "deepseek-v4-flash"), Offer("groq", "openai/gpt-oss-20b")))
    assert dropped(one, asks(n=2)) == {}


def test_offers_without_tools_and_json_are_dropped_for_them() -> None:
    gemma = Offer("gemini", "gemma-3-27b-it")
    of = catalog(offers=(*AUTO, gemma), book=PriceBook({gemma.name: flat_price("0", "0")}))
    tooled = asks(options=Options(tools=(Tool("t"),), response_format={"type": "json_object"}))
    assert dropped(of, tooled) == {gemma.name: "calls no tools, has no JSON mode"}


def test_short_context_is_dropped_with_the_numbers() -> None:
    of = catalog(contexts={"openai/gpt-4o": 100, "gemini/gemini-2.5-flash-lite": 10**6})
    reasons = dropped(of, asks(says(Role.USER, "word " * 200)))
    assert reasons["openai/gpt-4o"].startswith("context too short: 100 tokens, and about ")
    assert len(reasons) == 1


def test_long_prompt_is_quoted_with_the_cache_that_newer_gpts_write() -> None:
    luna = Offer("openai", "gpt-6-luna")
    of = catalog(offers=(luna,))
    short, long = (asks(says(Role.USER, "word " * words), max_output_tokens=1) for words in (100, 2000))
    per_token = [quoted(of, request)[luna.name] / (len(request.messages[0].text) / 4.1) for request in (short, long)]
    assert per_token[1] / per_token[0] == pytest.approx(1.25, rel=0.1)


def test_cached_part_of_a_conversation_is_quoted_at_its_price() -> None:
    own = flat_price("1", "0", "0.1")
    of = catalog(offers=(Offer("deepseek", "x"),), book=PriceBook({"deepseek/x": own}))
    first, second = (asks(*(HELLO,) * count, conversation="c") for count in (100, 101))
    plain = quoted(of, second)["deepseek/x"]
    of.remember(first, Offer("deepseek", "x"), Usage(500, 10), NOON)
    assert plain - quoted(of, second)["deepseek/x"] == 450 * 9 * 10**11


def test_cached_part_is_never_larger_than_the_input() -> None:
    own = flat_price("1", "0", "0.1")
    of = catalog(offers=(Offer("deepseek", "x"),), book=PriceBook({"deepseek/x": own}))
    request = asks(conversation="c")
    of.remember(request, Offer("deepseek", "x"), Usage(10**6, 10), NOON)
    (quote,), _ = of.quote(request, of.model("auto"), NOON)
    assert quote.expected_atto == quote.input_tokens * 10**11


def test_request_without_a_conversation_is_not_remembered() -> None:
    of = catalog(offers=(Offer("deepseek", "x"),), book=PriceBook({"deepseek/x": flat_price("1", "0", "0.1")}))
    before = quoted(of, asks())
    of.remember(asks(), Offer("deepseek", "x"), Usage(10**6, 10), NOON)
    assert quoted(of, asks()) == before


def test_cache_writes_are_quoted_from_1024_tokens() -> None:
    own = flat_price("1", "0", "0.1", "2")
    for offer, times in ((Offer("openai", "x"), 2), (Offer("mybox", "x"), 1)):
        of = catalog(frozenset({offer.provider}), (offer,), book=PriceBook({offer.name: own}))
        seen = set()
        for letters in range(100, 300):
            request = asks(says(Role.USER, "word " * 800 + "x" * letters))
            (quote,), _ = of.quote(request, of.model("auto"), NOON)
            seen.add(quote.input_tokens)
            expected = times if quote.input_tokens >= 1024 else 1
            assert quote.expected_atto == expected * quote.input_tokens * 10**12
        assert {1023, 1024} <= seen


def test_free_tier_is_quoted_at_zero_until_it_is_used_up() -> None:
    offer = Offer("gemini", "gemini-2.5-flash-lite")
    of = catalog()
    of.free = FreeTiers({offer: FreeTierLimits(1, 1)})
    (quote,), _ = of.quote(asks(), of.model(offer.name), NOON)
    assert (quote.free, quote.expected_atto, quote.price) == (True, 0, FREE_PRICE)
    of.free.use(offer, NOON)
    (quote,), _ = of.quote(asks(), of.model(offer.name), NOON)
    assert not quote.free
    assert quote.expected_atto > 0


def test_context_has_to_fit_the_least_answer_exactly() -> None:
    offer, book = Offer("mybox", "m"), PriceBook({"mybox/m": flat_price("1", "1")})
    needed = catalog(frozenset({"mybox"}), (offer,), book=book)
    (quote,), _ = needed.quote(asks(), needed.model("auto"), NOON)
    for spare, fits in ((64, True), (63, False)):
        of = catalog(frozenset({"mybox"}), (offer,), book=book, contexts={"mybox/m": quote.input_tokens + spare})
        assert (not dropped(of, asks())) is fits


def test_own_server_is_sold_under_listed_and_configured_names_only() -> None:
    book = PriceBook(free_providers=frozenset({"mybox"}))
    own = catalog(frozenset({"mybox"}), offers=(Offer("mybox", "configured"),), book=book)
    with pytest.raises(UnknownModel):
        own.model("mybox/listed")
    book.listed["mybox"] = frozenset({"listed"})
    assert [own.model(f"mybox/{name}").offers[0].model for name in ("configured", "listed")] == ["configured", "listed"]
    assert "mybox/listed" in own.names()
    with pytest.raises(UnknownModel):
        own.model("mybox/anything")


def test_public_price_is_looked_up_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    found = catalog()
    known = found.list_price("gpt-4o", NOON)
    assert known is not None
    monkeypatch.setattr(PriceBook, "list_price", lambda *_: None)
    assert found.list_price("gpt-4o", NOON + timedelta(seconds=59)) is known
    assert found.list_price("gpt-4o", NOON + timedelta(minutes=1)) is None
