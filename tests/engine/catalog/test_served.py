"""An answer by another model than requested is billed at the price of the model that the answer names."""

from datetime import UTC, datetime

from engine.catalog.offers import Price, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import Served
from engine.money import Money
from engine.routing.plan import Route
from tests.engine.scripted import AnswerSetup, ScriptedProvider, whole

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FLASH = "deepseek/deepseek-v4-flash"
BOOK = PriceBook()


def catalogued(provider: str, model: str) -> Price:
    price = BOOK.price(provider, model, NOON)
    assert price is not None
    return price


ASKED = catalogued("openrouter", FLASH)


def test_fallback_is_billed_at_its_own_price() -> None:
    served = BOOK.served_price(ASKED, "openrouter", "deepseek/deepseek-v4.1-flash", NOON)
    assert served == catalogued("openrouter", "deepseek/deepseek-v4.1-flash") != ASKED


def test_dated_name_of_the_same_model_has_the_same_price() -> None:
    asked = catalogued("openai", "gpt-4o-mini")
    assert BOOK.served_price(asked, "openai", "gpt-4o-mini-2024-07-18", NOON) == asked


def test_model_unknown_to_the_catalogue_is_billed_as_asked() -> None:
    assert BOOK.served_price(ASKED, "openrouter", "stand-in", NOON) == ASKED


def test_override_of_the_asked_offer_stays_in_force() -> None:
    own = flat_price("9", "9")
    assert PriceBook().served_price(own, "openrouter", "deepseek/deepseek-v4.1-flash", NOON) == own
    book = PriceBook({"openrouter/other": own})
    assert book.served_price(ASKED, "openrouter", "other", NOON) == own


async def test_answer_of_another_model_is_booked_at_that_models_price() -> None:
    setup = AnswerSetup(
        ScriptedProvider("openrouter", [Served("deepseek/deepseek-v4.1-flash"), *whole("hi", tokens=(1000, 100))])
    )
    quote = setup.route.quotes[0]
    setup.route = Route((quote._replace(price=ASKED),), ())
    answer, hold = setup.answer()
    await answer.whole()
    price = catalogued("openrouter", "deepseek/deepseek-v4.1-flash")
    assert hold.bill is not None
    assert hold.bill.cost_atto == 1000 * price.rates(0).input + 100 * price.rates(0).output
    assert hold.bill.attempt.cost == Money.from_atto(hold.bill.cost_atto)
    assert hold.bill.attempt.served == "deepseek/deepseek-v4.1-flash"
