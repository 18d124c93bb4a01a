"""Top-ups: an order, as in /topup, and the link to its Stars invoice."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

import locales
from engine.money import Money
from engine.ports import Clock
from locales.amounts import usd_written
from storage.billing import orders
from storage.billing.orders import stars_for
from storage.database.database import Database
from storage.tenants import tenant_settings
from storage.tenants.terms import TERMS_VERSION
from web.errors import HttpProblem, bad_request
from web.miniapp.access import MiniAppUser, current_user
from web.miniapp.answers import PRIVATE, app_errors, text, written
from web.miniapp.limits import TelegramCalls
from web.miniapp.payments.ports import TELEGRAM_SILENT, Payments
from web.openapi_parts import BODY_ERRORS
from web.schema_fields import In, Plain

User = Annotated[MiniAppUser, Depends(current_user)]
MOST_TITLE, MOST_DESCRIPTION = 32, 255
TERMS_FIRST = HttpProblem(409, "Read the terms and agree to them before the first payment.", code="terms_not_agreed")


class TopupIn(In):
    amount: Plain = Field(max_length=40, description="USD, as people write it", examples=["7.50"])


class TopupOut(BaseModel):
    """An invoice. `link` opens it; `bot_link` opens /topup in the bot, for a browser without Telegram's script."""

    link: str
    bot_link: str
    text: str
    stars: int


class TermsOut(BaseModel):
    version: str
    agreed: bool
    text: str


@dataclass(frozen=True, slots=True)
class TopupPages:
    """Makes invoices for amounts, and stores the agreement to the terms."""

    db: Database
    clock: Clock
    payments: Payments
    seller: str
    calls: TelegramCalls

    async def topup(self, user: MiniAppUser, given: str) -> TopupOut:
        """Make an order and its invoice. Raises HttpProblem 400 for a wrong amount, 409 before the agreement, 502."""
        usd = self._amount(user, given)
        require_terms(user)
        self.calls.count(user.state.id)
        now, per_star = self.clock.now(), self.payments.per_star
        order = await self.db.write(
            lambda conn: orders.make_order(conn, user.state.id, orders.TOPUP, usd, per_star, now)
        )
        try:
            link = await self.payments.stars.invoice_link(
                text(user, "topup.title", usd=order.usd)[:MOST_TITLE],
                text(user, "topup.description", usd=order.usd)[:MOST_DESCRIPTION],
                order.id,
                written(user, usd),
                order.stars,
            )
            username = await self.payments.stars.username()
        except OSError as error:
            raise TELEGRAM_SILENT.new() from error
        shown = text(user, "topup.amount", usd=usd, stars=order.stars)
        return TopupOut(link=link, bot_link=bot_link(username, start_of(usd)), text=shown, stars=order.stars)

    def terms(self, user: MiniAppUser) -> TermsOut:
        words = text(user, "terms.text", version=date.fromisoformat(TERMS_VERSION))
        if self.seller:
            words += "\n\n" + text(user, "terms.seller", seller=self.seller)
        return TermsOut(version=TERMS_VERSION, agreed=user.state.agreed_terms == TERMS_VERSION, text=words)

    async def agree(self, user: MiniAppUser) -> None:
        now = self.clock.now()
        await self.db.write(lambda conn: tenant_settings.agree_terms(conn, user.state.id, TERMS_VERSION, now))

    def _amount(self, user: MiniAppUser, given: str) -> Money:
        """Read an amount of whole cents within the operator's limits. Raises HttpProblem 400."""
        found = usd_written(given, locales.find(user.texts).formats)
        usd = None if found is None or found.normalize().as_tuple().exponent < -9 else Money.usd(found)  # type: ignore[operator]  # noqa: PLR2004
        least, most = self.payments.topup_least, self.payments.topup_most
        if usd is None or usd != usd.rounded(2) or not least <= usd <= most:
            raise bad_request("amount", text(user, "topup.no_amount", least=least, most=most))
        return usd


def require_terms(user: MiniAppUser) -> None:
    """Raise HttpProblem 409 if the user has not agreed to the current terms."""
    if user.state.agreed_terms != TERMS_VERSION:
        raise TERMS_FIRST.new()


def bot_link(username: str, start: str = "") -> str:
    """Return a link to the bot's private chat. The command in `start` runs there."""
    return f"https://t.me/{username}?start={start}" if start else f"https://t.me/{username}"


def start_of(usd: Money) -> str:
    """Return the link parameter that opens /topup for this amount. It can express whole dollars only."""
    whole = usd.nanousd // 10**9
    return f"topup_{whole}" if usd == Money(whole * 10**9) else "topup"


def amounts(user: MiniAppUser, payments: Payments) -> list[dict[str, str]]:
    """Return the listed amounts: `amount` is sent back to order one, `text` is on its button."""
    return [
        {
            "amount": written(user, usd),
            "text": text(user, "topup.amount", usd=usd, stars=stars_for(usd, payments.per_star)),
        }
        for usd in payments.topups
    ]


def router(pages: TopupPages) -> APIRouter:
    routes = APIRouter(prefix="/app", tags=["mini app"])

    @routes.post(
        "/topups", status_code=201, summary="Make a Stars invoice", responses=app_errors(*BODY_ERRORS, 409, 502)
    )
    async def topup(user: User, asked: TopupIn, response: Response) -> TopupOut:
        response.headers.update(PRIVATE)
        return await pages.topup(user, asked.amount)

    @routes.get("/terms", summary="The terms, and whether you have agreed to them", responses=app_errors())
    async def terms(user: User, response: Response) -> TermsOut:
        response.headers.update(PRIVATE)
        return pages.terms(user)

    @routes.post("/terms", status_code=204, summary="Agree to the terms", responses=app_errors())
    async def agree(user: User) -> Response:
        await pages.agree(user)
        return Response(status_code=204)

    return routes
