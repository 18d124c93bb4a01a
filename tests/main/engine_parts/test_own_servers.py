"""Models that the operator's own servers list, read at the start and again."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from engine.catalog.price_book import PriceBook
from engine.errors import KeyRefused, ProviderError, Unreachable
from engine.ports import Provider
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.registry import build
from engine.providers.spec import Spec
from main.engine_parts.own_servers import MOST_MODELS, listed_models

OPENAI_LIST = {"object": "list", "data": [{"id": "qwen3:8b"}, {"id": "org/model"}, {"id": "../x"}, {"id": 7}, {}]}
GEMINI_LIST = {"models": [{"name": "models/gemma3"}]}


def server(dialect: str, *responses: httpx.Response | Exception) -> ProviderAdapter:
    """Return a server that gives these responses one after another, and then repeats the last one."""
    found, left = build(Spec("mybox", "http://box/v1", dialect, needs_key=False)), list(responses)

    def respond(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "http://box/v1/models"
        response = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(response, Exception):
            raise response
        return response

    assert isinstance(found, ProviderAdapter)
    found.send_through(httpx.MockTransport(respond))
    return found


def own_book() -> PriceBook:
    return PriceBook(free_providers=frozenset({"mybox", "local"}))


async def list_after_reads(provider: ProviderAdapter, reads: int = 1) -> Mapping[str, frozenset[str]]:
    """Return the lists after this number of reads."""
    book, done, count = own_book(), asyncio.Event(), 0

    class Counted:
        name, keys = "mybox", 1

        async def models(self) -> frozenset[str]:
            nonlocal count
            count += 1
            if count > reads:
                done.set()
                await asyncio.Event().wait()
            return await provider.models()

    async with listed_models(book, {"mybox": Counted()}, every_seconds=0):  # type: ignore[dict-item]
        await done.wait()
    return book.listed


@pytest.mark.parametrize(
    ("dialect", "body", "names"),
    [
        ("openai", OPENAI_LIST, {"qwen3:8b", "org/model"}),
        ("anthropic", OPENAI_LIST, {"qwen3:8b", "org/model"}),
        ("gemini", GEMINI_LIST, {"gemma3"}),
        ("openai", {"data": None}, set()),
        ("openai", ["x"], set()),
        ("openai", {"data": [{"id": f"m{number}"} for number in range(MOST_MODELS + 1)]}, None),
    ],
)
async def test_list_is_read_in_each_dialect(dialect: str, body: object, names: set[str] | None) -> None:
    found = (await list_after_reads(server(dialect, httpx.Response(200, json=body))))["mybox"]
    assert len(found) == MOST_MODELS if names is None else found == names


@pytest.mark.parametrize(
    ("second", "is_kept"), [(httpx.ConnectError("down"), True), (httpx.Response(404, text="no such path"), False)]
)
async def test_list_is_kept_while_the_server_is_away_only(second: httpx.Response | Exception, is_kept: bool) -> None:
    provider = server("openai", httpx.Response(200, json=OPENAI_LIST), second)
    assert ("mybox" in await list_after_reads(provider, reads=2)) is is_kept


async def test_errors_of_a_list_are_those_of_a_provider() -> None:
    kinds: list[tuple[httpx.Response | Exception, type[ProviderError]]] = [
        (httpx.ConnectError("down"), Unreachable),
        (httpx.Response(401), KeyRefused),
    ]
    for response, kind in kinds:
        with pytest.raises(kind):
            await server("openai", response).models()


async def test_only_own_servers_with_an_address_are_asked() -> None:
    book, asked = own_book(), server("openai", httpx.Response(200, json=OPENAI_LIST))
    unset = build(Spec("local", "", needs_key=False))
    other = build(Spec("openai", "http://other/v1"), keys=("k",))
    providers: dict[str, Provider] = {"mybox": asked, "local": unset, "openai": other}
    async with listed_models(book, providers):
        assert set(book.listed) == {"mybox"}
