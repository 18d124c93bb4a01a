from datetime import UTC, datetime

from engine.catalog.offers import Offer
from engine.catalog.prices import PriceBook, flat_price
from scheduler.context import JobContext
from scheduler.jobs import prices
from tests.scheduler.conftest import Diary, HandClock, Notebook, desk_over


def priced(desk: JobContext, **changes: tuple[str, str]) -> None:
    """The operator edits farthing.toml and starts again."""
    for provider, price in changes.items():
        overrides = desk.market.catalog.book.overrides
        assert isinstance(overrides, dict)
        overrides[f"{provider}/m"] = flat_price(*price)


async def test_the_first_look_tells_nothing(desk: JobContext, notebook: Notebook) -> None:
    for _ in range(2):
        await prices.run(desk)
    assert notebook.texts == []


async def test_a_new_price_is_told_once_with_what_it_does_to_the_margin(
    desk: JobContext, diary: Diary, notebook: Notebook
) -> None:
    await prices.run(desk)
    await diary.answered("deepseek", 1000)  # 1M tokens in, 0.5M out, at 5 USD charged and 1 USD paid
    priced(desk, deepseek=("0.20", "0.60"))
    for _ in range(3):
        await prices.run(desk)
    (text,) = notebook.texts
    assert "deepseek/m has a new price: 0.20/0.60 USD" in text
    assert "it was 0.10/0.20" in text
    assert "+0.30 USD a week in cost, margin 4.00 → 3.70 USD" in text


async def test_two_clocks_tell_of_a_price_once(desk: JobContext, clock: HandClock, notebook: Notebook) -> None:
    twin = desk_over(desk.db, clock, notebook)
    await prices.run(desk)
    for each in (desk, twin):
        priced(each, gemini=("9", "9"))
    for each in (desk, twin, twin, desk):
        await prices.run(each)
    assert len(notebook.texts) == 1


async def test_going_back_is_a_change_too(desk: JobContext, notebook: Notebook) -> None:
    await prices.run(desk)
    for price in (("3", "3"), ("0.20", "0.40")):
        priced(desk, gemini=price)
        await prices.run(desk)
    assert len(notebook.texts) == 2


async def test_a_price_of_the_hour_is_no_change(desk: JobContext, clock: HandClock, notebook: Notebook) -> None:
    """DeepSeek asks twice as much in two windows of a working day: seen every hour of a week."""
    clock.at = datetime(2026, 11, 23, tzinfo=UTC)
    real = desk.market.catalog
    object.__setattr__(real, "book", PriceBook())
    object.__setattr__(real.models["auto"], "offers", (Offer("deepseek", "deepseek-v4-flash"),))
    seen = set()
    for _ in range(7 * 24):
        price = real.book.price("deepseek", "deepseek-v4-flash", clock.at)
        assert price is not None
        seen.add(prices.rates(price))
        await prices.run(desk)
        clock.move(hours=1)
    assert len(seen) > 1, "this price does change with the hour"
    assert notebook.texts == []
