"""The operator's own servers: the models that they list, read at the start and every minute."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Protocol, runtime_checkable

from engine.catalog.model_names import is_model_name
from engine.catalog.price_book import PriceBook
from engine.errors import ProviderError
from engine.ports import Provider

FIRST_READ_SECONDS = 5.0
READ_EVERY_SECONDS = 60.0
MOST_MODELS = 1000  # of one server

log = logging.getLogger(__name__)


@runtime_checkable
class ListsModels(Protocol):
    """A provider that lists its models."""

    async def models(self) -> frozenset[str]: ...


@asynccontextmanager
async def listed_models(
    book: PriceBook, providers: Mapping[str, Provider], every_seconds: float = READ_EVERY_SECONDS
) -> AsyncIterator[None]:
    """Read the lists, waiting a few seconds for them, and read them again at intervals."""
    own = {name: provider for name, provider in providers.items() if name in book.free_providers and provider.keys}
    if not own:
        yield
        return
    first_read = asyncio.Event()
    task = asyncio.create_task(_read_often(book, own, every_seconds, first_read), name="models of own servers")
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_READ_SECONDS):
                await first_read.wait()
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _read_often(
    book: PriceBook, own: Mapping[str, Provider], every_seconds: float, first_read: asyncio.Event
) -> None:
    while True:
        await asyncio.gather(*(_read(book, name, provider) for name, provider in own.items()))
        first_read.set()
        await asyncio.sleep(every_seconds)


async def _read(book: PriceBook, name: str, provider: Provider) -> None:
    """Update the list of one server. A server that can't be reached keeps its list; one without a list gets none."""
    if not isinstance(provider, ListsModels):
        return
    try:
        found = await provider.models()
    except ProviderError as error:
        log.debug("%s lists no models: %s", name, error)
        if error.status is not None:
            book.listed.pop(name, None)
        return
    book.listed[name] = frozenset(sorted(filter(is_model_name, found))[:MOST_MODELS])
