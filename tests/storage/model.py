"""The books in thirty lines of Python: what any order of operations must come to."""

from dataclasses import dataclass, field

from engine.holds import Fit, Funds, Grant, HoldRequest, Shortfall, fit, settle
from engine.money import ZERO, Money
from engine.tenancy import Charge


@dataclass
class Held:
    bid: HoldRequest
    grant: Grant
    period: int
    lease: str
    month: int
    state: str = "open"


@dataclass
class Account:
    balance: int = 0
    held: int = 0
    owed: int = 0
    tokens: int = 0
    used: int = 0
    held_tokens: int = 0
    period: int = 1

    @property
    def spare(self) -> int:
        return self.tokens - self.used - self.held_tokens


@dataclass
class Key:
    limit: int | None
    month: int
    used: int = 0
    held: int = 0


@dataclass
class Model:
    accounts: dict[int, Account] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    holds: dict[str, Held] = field(default_factory=dict)
    refs: set[str] = field(default_factory=set)
    answers: dict[str, Charge] = field(default_factory=dict)

    def hold(self, bid: HoldRequest, lease: str, month: int) -> Fit | None:
        """None: it was paid before, or another try has come first."""
        before = self.holds.get(bid.request_id)
        if before is not None and (before.state == "captured" or before.bid.epoch >= bid.epoch):
            return None
        self.void(bid.request_id)
        books, key = self.accounts[bid.tenant_id], self.keys.get(bid.key_id or 0)
        if key is not None and key.month < month:
            key.month, key.used, key.held = month, 0, 0
        left = None if key is None or key.limit is None else key.limit - key.used - key.held
        sized = fit(bid, Funds(books.spare, Money(books.balance - books.held), left))
        if isinstance(sized, Shortfall):
            return sized
        books.held += sized.wallet.nanousd
        books.held_tokens += sized.allowance_tokens
        if key is not None:
            key.held += sized.tokens
        self.holds[bid.request_id] = Held(bid, sized, books.period, lease, key.month if key else month)
        return sized

    def capture(self, request_id: str, tokens: int, cost_atto: int) -> None:
        held = self.holds[request_id]
        books = self.accounts[held.bid.tenant_id]
        same = books.period == held.period
        charge = settle(held.bid.tariff, held.grant, tokens, cost_atto, books.spare if same else 0)
        self._release(held, charge, tokens, "captured")
        self.answers[request_id] = charge

    def void(self, request_id: str, state: str = "void") -> None:
        held = self.holds.get(request_id)
        if held is not None and held.state == "open":
            self._release(held, Charge(), 0, state)

    def _release(self, held: Held, charge: Charge, tokens: int, state: str) -> None:
        books, key = self.accounts[held.bid.tenant_id], self.keys.get(held.bid.key_id or 0)
        held.state = state
        books.held -= held.grant.wallet.nanousd
        books.balance -= charge.wallet.nanousd
        if books.period == held.period:
            books.held_tokens -= held.grant.allowance_tokens
            books.used += charge.allowance_tokens
        if key is not None and key.month == held.month:
            key.held -= held.grant.tokens
            key.used += min(tokens, held.grant.tokens)

    def credit(self, tenant: int, amount: Money, ref: str) -> None:
        if ref not in self.refs:
            self.refs.add(ref)
            books = self.accounts[tenant]
            repaid = min(amount.nanousd, books.owed)
            books.owed -= repaid
            books.balance += amount.nanousd - repaid

    def debit(self, tenant: int, amount: Money, ref: str) -> None:
        if ref not in self.refs and amount != ZERO:
            self.refs.add(ref)
            books = self.accounts[tenant]
            taken = min(amount.nanousd, books.balance - books.held)
            books.balance -= taken
            books.owed += amount.nanousd - taken

    def start_plan(self, tenant: int, tokens: int) -> None:
        books = self.accounts[tenant]
        books.tokens, books.used, books.held_tokens, books.period = tokens, 0, 0, books.period + 1
