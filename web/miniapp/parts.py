"""The routers of the Mini App, built from the parts of the HTTP app."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter

from engine.gateway.market import Market
from engine.money import Money
from engine.ports import Clock
from engine.tenancy import Plan
from storage.database.database import Database
from storage.invoices.invoices import Seller
from web.miniapp import routes, sessions
from web.miniapp.access import Telegram
from web.miniapp.account import AccountPages
from web.miniapp.operator import OperatorPages
from web.miniapp.sessions import Sessions


@dataclass(frozen=True, slots=True)
class MiniAppParts:
    """The storage, engine and settings that the Mini App's routes work with."""

    db: Database
    clock: Clock
    plans: Mapping[str, Plan]
    market: Market
    seller: Seller
    payout_per_star: Money
    telegram: Telegram


def routers(parts: MiniAppParts) -> list[APIRouter]:
    db, clock = parts.db, parts.clock
    account = AccountPages(db, clock, parts.seller)
    operator = OperatorPages(db, clock, parts.plans, parts.payout_per_star, parts.market)
    return [
        routes.router(account, operator, parts.telegram.frames),
        sessions.router(Sessions(db, clock)),
    ]
