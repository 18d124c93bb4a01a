"""The routers of the Mini App, built from the parts of the HTTP app."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter

from engine.gateway.question import Market
from engine.money import Money
from engine.ports import Clock
from engine.tenancy import Plan
from storage.database.database import Database
from storage.invoices.invoices import Seller
from web.miniapp import conversations, routes, sessions
from web.miniapp.access import Telegram
from web.miniapp.account import AccountPages
from web.miniapp.conversations import ConversationPages
from web.miniapp.limits import TelegramCalls
from web.miniapp.operator import OperatorPages
from web.miniapp.operators import providers, tenants
from web.miniapp.operators.providers import ProviderPages
from web.miniapp.operators.tenants import TenantPages
from web.miniapp.payments import routes as payments
from web.miniapp.payments import topup
from web.miniapp.payments.plan import PlanPages
from web.miniapp.payments.ports import Payments
from web.miniapp.payments.routes import PaymentPages
from web.miniapp.payments.topup import TopupPages
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
    payments: Payments | None = None
    """None: this process can't reach Telegram, so the routes of payments do not exist."""


def routers(parts: MiniAppParts) -> list[APIRouter]:
    db, clock, calls = parts.db, parts.clock, TelegramCalls(parts.clock)
    account = AccountPages(db, clock, parts.seller, parts.market, parts.payments is not None)
    operator = OperatorPages(db, clock, parts.plans, parts.payout_per_star, parts.market)
    notices = None if parts.payments is None else parts.payments.notices
    found = [
        routes.router(account, operator, parts.telegram.frames),
        sessions.router(Sessions(db, clock)),
        conversations.router(ConversationPages(db, clock, parts.payments, calls)),
        tenants.router(TenantPages(db, clock, parts.telegram.admin_ids, notices)),
        providers.router(ProviderPages(db, clock, parts.market)),
    ]
    if parts.payments is not None:
        found.append(topup.router(TopupPages(db, clock, parts.payments, parts.seller.name, calls)))
        found.append(payments.router(PaymentPages(PlanPages(db, clock, parts.plans, parts.payments, calls))))
    return found
