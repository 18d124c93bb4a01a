from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from engine.catalog.offers import Offer, Price, flat_price
from engine.catalog.price_book import PriceBook
from scheduler.context import JobContext
from scheduler.jobs import prices
from tests.scheduler.conftest import HandClock, Journal, Notifications, context_over


def set_prices(context: JobContext, **changes: tuple[str, str]) -> None:
    """Change the configured prices, as a restart with another farthing.toml would."""
    for provider, price in changes.items():
        overrides = context.market.catalog.book.overrides
        assert isinstance(overrides, dict)
        overrides[f"{provider}/m"] = flat_price(*price)


async def test_first_run_reports_nothing(context: JobContext, notifier: Notifications) -> None:
    for _ in range(2):
        await prices.run(context)
    assert notifier.texts == []


async def test_new_price_is_reported_once_with_its_effect_on_the_margin(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    await prices.run(context)
    await journal.answered("deepseek", 1000)  # 1M tokens in, 0.5M out, at 5 USD charged and 1 USD paid
    set_prices(context, deepseek=("0.20", "0.60"))
    for _ in range(3):
        await prices.run(context)
    (text,) = notifier.texts
    assert "deepseek/m has a new price: $0.20/$0.60 per 1M tokens" in text
    assert "it was $0.10/$0.20" in text
    assert "the cost of a week changes by 30 ¢, and its margin from $4.00 to $3.70" in text


async def test_two_processes_report_a_price_once(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    twin = context_over(context.db, clock, notifier)
    await prices.run(context)
    for each in (context, twin):
        set_prices(each, gemini=("9", "9"))
    for each in (context, twin, twin, context):
        await prices.run(each)
    assert len(notifier.texts) == 1


async def test_return_to_an_old_price_is_reported(context: JobContext, notifier: Notifications) -> None:
    await prices.run(context)
    for price in (("3", "3"), ("0.20", "0.40")):
        set_prices(context, gemini=price)
        await prices.run(context)
    assert len(notifier.texts) == 2


async def test_hourly_price_is_no_change(context: JobContext, clock: HandClock, notifier: Notifications) -> None:
    """DeepSeek doubles its price in two periods of a working day. Each hour of a week is checked."""
    clock.at = datetime(2026, 11, 23, tzinfo=UTC)
    real = context.market.catalog
    object.__setattr__(real, "book", PriceBook())
    object.__setattr__(real.models["auto"], "offers", (Offer("deepseek", "deepseek-v4-flash"),))
    seen = set()
    for _ in range(7 * 24):
        price = real.book.price("deepseek", "deepseek-v4-flash", clock.at)
        assert price is not None
        seen.add(prices.rates(price))
        await prices.run(context)
        clock.move(hours=1)
    assert len(seen) > 1, "this price does change with the hour"
    assert notifier.texts == []


class DatedBook(PriceBook):
    """A catalogue of prices with start dates."""

    starts: Sequence[tuple[datetime, str]]

    def price(self, provider: str, model: str, at: datetime) -> Price | None:  # noqa: ARG002
        return next((flat_price(usd, usd) for start, usd in reversed(self.starts) if at >= start), None)


async def test_price_dated_back_is_reported_and_so_is_the_return_to_the_old_one(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    book = DatedBook()
    book.starts = [(clock.at - timedelta(days=90), "1")]
    object.__setattr__(context.market.catalog, "book", book)
    object.__setattr__(context.market.catalog.models["auto"], "offers", (Offer("deepseek", "m"),))
    told = []
    for back, usd in ((0, "1"), (3, "2"), (1, "1"), (9, "3"), (-2, "4")):
        book.starts = [*book.starts, (clock.at - timedelta(days=back), usd)]
        await prices.run(context)
        clock.move(hours=5)
        told.append(len(notifier.texts))
    assert told == [0, 1, 2, 3, 3]
    clock.move(days=2)
    await prices.run(context)
    assert "has a new price: $4.00/$4.00 per 1M tokens in/out; it was $3.00" in notifier.texts[-1]


async def test_unreadable_price_is_alerted_once_until_it_can_be_read(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    """OpenRouter's Gemini models have a cache-write price with more than 12 decimals."""
    catalog = context.market.catalog
    offer = Offer("openrouter", "google/gemini-2.5-flash-lite")
    readable = {offer.name: flat_price("0.1", "0.4")}
    object.__setattr__(catalog, "book", PriceBook())
    object.__setattr__(catalog, "configured", lambda _: True)
    object.__setattr__(catalog.models["auto"], "offers", (offer,))
    for overrides, alerts in (({}, 1), ({}, 1), (readable, 2), (readable, 2), ({}, 3)):
        catalog.book.overrides = overrides
        await prices.run(context)
        clock.move(minutes=1)
        assert len(notifier.texts) == alerts
    assert f"The price of {offer.name} can't be read" in notifier.texts[0]
    assert notifier.texts[1].endswith(
        "has a readable price again, $0.10/$0.40 per 1M tokens in/out, and is used again."
    )


async def test_price_that_leaves_the_catalogue_is_alerted_once_and_so_is_its_return(
    context: JobContext, notifier: Notifications
) -> None:
    book, known = context.market.catalog.book, dict(context.market.catalog.book.overrides)
    gone = {name: price for name, price in known.items() if name != "deepseek/m"}
    for overrides, alerts in ((gone, 0), (known, 0), (gone, 1), (gone, 1), (known, 2), (known, 2), (gone, 3)):
        book.overrides = overrides
        await prices.run(context)
        assert len(notifier.texts) == alerts
    assert notifier.texts[0].startswith("🏷 The catalogue has no price for deepseek/m any more.")
    assert "deepseek/m has a readable price again, $0.10/$0.20" in notifier.texts[1]
