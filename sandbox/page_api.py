"""HTTP interface of the sandbox's page: the whole state, a stream of changes, and the actions of its users."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.providers import MORE_MODES, StandIns
from sandbox.providers.app import StandIn, page_row
from sandbox.providers.transcription import BYTES_PER_SECOND
from sandbox.telegram import stars
from sandbox.telegram.commands import menu
from sandbox.telegram.mini_app import init_data
from sandbox.telegram.refusals import BotApiError
from sandbox.telegram.world import ADMIN_ID, TOKEN, World

PING_SECONDS = 15.0
LAST_MESSAGES = 200
LONGEST_PROMPT = 4096


class PageApi:
    """Routes of the page.

    `farthing`: address and admin key of the running Farthing, to show its state of each provider. `next_offers` returns
    the offers that `auto` would try now for a prompt, in order; `expected_costs` returns the cost in USD of each
    offer's answer.
    """

    def __init__(self, world: World, stand_ins: StandIns, base_url: str, farthing: tuple[str, str] | None) -> None:
        self._world, self._stand_ins, self._base_url, self._farthing = world, stand_ins, base_url, farthing
        self.next_offers: Callable[[str], list[str]] = lambda _: []
        self.expected_costs: Callable[[str], dict[str, str]] = lambda _: {}
        self._states: dict[str, Any] = {}
        self._states_read_at = 0.0
        self._queues: set[asyncio.Queue[dict[str, Any]]] = set()
        world.listeners.add(self._publish)
        stand_ins.subscribe(self._provider_changed)

    def routes(self) -> list[Route]:
        posts = {
            "send": self._send,
            "upload": self._upload,
            "press": self._press,
            "stop": self._stop,
            "pay": self._pay,
            "refund": self._refund,
            "renew": self._renew,
            "mini-app": self._mini_app,
        }
        return [
            Route("/api/state", self._state),
            Route("/api/events", self._events),
            Route("/api/providers", self._providers),
            Route("/api/links/{name}", self._link),
            Route("/api/providers/{name}", self._switch, methods=["POST"]),
            *[Route(f"/api/{name}", _guarded(call), methods=["POST"]) for name, call in posts.items()],
        ]

    async def _state(self, _: Request) -> Response:
        world = self._world
        await self._refresh_states()
        return JSONResponse(
            {
                "me": world.bot,
                "users": [{**user, "is_admin": user["id"] == ADMIN_ID} for user in world.users.values()],
                "chats": [
                    {
                        "id": chat.id,
                        "type": chat.type,
                        "title": chat.title,
                        "members": list(chat.members),
                        "messages": [self._message(m) for m in list(chat.messages.values())[-LAST_MESSAGES:]],
                        "drafts": list(chat.drafts.values()),
                    }
                    for chat in world.chats.values()
                ],
                "commands": self._menus(),
                "more_modes": list(MORE_MODES),
                **self._provider_state(),
            }
        )

    async def _providers(self, request: Request) -> Response:
        await self._refresh_states()
        return JSONResponse(self._provider_state(request.query_params.get("prompt", "")[:LONGEST_PROMPT]))

    async def _link(self, request: Request) -> Response:
        """Return the invoice behind a payment link."""
        offered = self._world.links.get(request.path_params["name"])
        return JSONResponse(offered or {"ok": False, "error": "This link is gone."}, 200 if offered else 404)

    async def _events(self, _: Request) -> Response:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._queues.add(queue)

        async def stream() -> AsyncIterator[str]:
            try:
                yield ": hello\n\n"
                while True:
                    try:
                        async with asyncio.timeout(PING_SECONDS):
                            event = await queue.get()
                    except TimeoutError:
                        self._world.expire_drafts()
                        yield ": ping\n\n"
                    else:
                        yield f"data: {json.dumps(event)}\n\n"
            finally:
                self._queues.discard(queue)

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"cache-control": "no-store"})

    async def _send(self, request: Request) -> Any:
        body = await request.json()
        said = self._world.say(
            int(body["chat_id"]),
            int(body["user_id"]),
            str(body["text"])[:4096],
            reply_to=body.get("reply_to_message_id"),
        )
        return {"message": self._message(said)}

    async def _upload(self, request: Request) -> Any:
        async with request.form(max_part_size=25_000_000) as form:
            file = form["file"]
            assert not isinstance(file, str)
            data, kind, name = await file.read(), file.content_type or "", file.filename or "file"
            chat_id, user_id, caption = (
                int(str(form["chat_id"])),
                int(str(form["user_id"])),
                str(form.get("caption", "")),
            )
        file_id = self._world.keep_file(name, kind, data)
        unique = {"file_id": file_id, "file_unique_id": file_id, "file_size": len(data)}
        if kind.startswith("image/"):
            content: dict[str, Any] = {"photo": [{**unique, "width": 1024, "height": 768}]}
        elif kind.startswith("audio/"):
            seconds = max(1, round(len(data) / BYTES_PER_SECOND))
            content = {"voice": {**unique, "duration": seconds, "mime_type": kind}}
        else:
            content = {"document": {**unique, "file_name": name, "mime_type": kind}}
        said = self._world.say(chat_id, user_id, "", caption=caption, **content)
        return {"message": self._message(said)}

    async def _press(self, request: Request) -> Any:
        body = await request.json()
        self._world.press(int(body["chat_id"]), int(body["user_id"]), int(body["message_id"]), str(body["data"]))
        return {"ok": True}

    async def _stop(self, request: Request) -> Any:
        body = await request.json()
        self._world.stop_draft(int(body["chat_id"]), int(body["draft_id"]))
        return {"ok": True}

    async def _pay(self, request: Request) -> Any:
        """Pay an invoice message or a subscription's link."""
        body = await request.json()
        chat_id = int(body["chat_id"])
        name = body.get("link") or f"message {chat_id} {body['message_id']}"
        offered = self._world.links.get(str(name))
        if offered is None:
            return {"ok": False, "error": "This invoice is gone."}
        return await stars.pay(self._world, chat_id, int(body["user_id"]), offered)

    async def _mini_app(self, request: Request) -> Any:
        """Return the address of the Mini App, and its data signed for this person."""
        user_id = int((await request.json())["user_id"])
        if self._farthing is None:
            return {"ok": False, "error": "Farthing does not run beside this sandbox."}
        return {"ok": True, "url": f"{self._farthing[0]}/app", "init_data": init_data(self._world, user_id)}

    async def _refund(self, request: Request) -> Any:
        charge_id = str((await request.json())["charge_id"])
        stars.refund(self._world, self._world.payments[charge_id]["user_id"], charge_id)
        return {"ok": True}

    async def _renew(self, request: Request) -> Any:
        charge_id = str((await request.json())["charge_id"])
        return {"ok": True, "charge_id": stars.renew(self._world, charge_id)}

    async def _switch(self, request: Request) -> Response:
        name = request.path_params["name"]
        try:
            self._stand_ins.set_mode(name, str((await request.json())["mode"]))
        except (KeyError, ValueError) as error:
            return JSONResponse({"ok": False, "error": str(error)}, 400)
        await self._refresh_states()
        return JSONResponse(self._provider(self._stand_ins.provider(name)))

    async def _refresh_states(self) -> None:
        """Read the providers' states from Farthing, at most once a second."""
        if self._farthing is None or time.monotonic() - self._states_read_at < 1:
            return
        self._states_read_at = time.monotonic()
        url, key = self._farthing
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False, verify=False) as client:  # noqa: S501 - loopback
                answer = await client.get(f"{url}/providers", headers={"authorization": f"Bearer {key}"})
                self._states = {row["name"]: row for row in answer.json()["data"]}
        except (httpx.HTTPError, ValueError, KeyError):
            self._states = {}

    def _publish(self, event: dict[str, Any]) -> None:
        if "message" in event:
            event = {**event, "message": self._message(event["message"])}
        if event["type"] == "commands":
            event = {**event, "commands": self._menus()}
        for queue in self._queues:
            queue.put_nowait(event)

    def _provider_changed(self, found: StandIn) -> None:
        self._publish({"type": "provider", "chat_id": 0, "provider": self._provider(found)})

    def _provider_state(self, prompt: str = "") -> dict[str, Any]:
        providers = [self._provider(found) for found in self._stand_ins.providers.values()]
        return {"next": self.next_offers(prompt), "costs": self.expected_costs(prompt), "providers": providers}

    def _provider(self, found: StandIn) -> dict[str, Any]:
        return page_row(found, f"{self._base_url}/providers/{found.name}", self._states.get(found.name))

    def _message(self, message: dict[str, Any]) -> dict[str, Any]:
        ids = [photo["file_id"] for photo in message.get("photo", [])]
        ids += [message[kind]["file_id"] for kind in ("document", "voice") if kind in message]
        urls = {file_id: f"/telegram/file/bot{TOKEN}/{self._world.file_path(file_id)}" for file_id in ids}
        return {**message, "sandbox": {"file_urls": urls}}

    def _menus(self) -> dict[str, dict[str, list[dict[str, str]]]]:
        """Return the command menus by user, then by chat."""
        world = self._world
        return {
            str(user): {
                str(chat.id): menu(world, user, chat.id) for chat in world.chats.values() if user in chat.members
            }
            for user in world.users
        }


def _guarded(call: Any) -> Any:
    async def guarded(request: Request) -> Response:
        try:
            return JSONResponse(await call(request))
        except BotApiError as refusal:
            return JSONResponse({"ok": False, "error": refusal.description}, 400)
        except (KeyError, ValueError, TypeError) as error:
            return JSONResponse({"ok": False, "error": f"bad request: {error!r}"}, 400)

    return guarded
