"""A model of the ledger in plain Python, with which any order of operations must agree."""

from dataclasses import dataclass, field

from engine.holds import Fit, Funds, Grant, HoldRequest, Shortfall, fit, settle
from engine.money import ZERO, Money
from engine.tenancy import Charge


@dataclass
class Held:
    hold_request: HoldRequest
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
    def free(self) -> int:
        return max(0, self.balance - self.held - self.owed)

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

    def hold(self, hold_request: HoldRequest, lease: str, month: int) -> Fit | None:
        """Size the hold; return None if the request was paid, or was held in this epoch or a later one."""
        before = self.holds.get(hold_request.request_id)
        if before is not None and (before.state == "captured" or before.hold_request.epoch >= hold_request.epoch):
            return None
        self.void(hold_request.request_id)
        account, key = self.accounts[hold_request.tenant_id], self.keys.get(hold_request.key_id or 0)
        if key is not None and key.month < month:
            key.month, key.used, key.held = month, 0, 0
        left = None if key is None or key.limit is None else key.limit - key.used - key.held
        sized = fit(hold_request, Funds(account.spare, Money(account.free), left))
        if isinstance(sized, Shortfall):
            return sized
        account.held += sized.wallet.nanousd
        account.held_tokens += sized.allowance_tokens
        if key is not None:
            key.held += sized.tokens
        self.holds[hold_request.request_id] = Held(
            hold_request, sized, account.period, lease, key.month if key else month
        )
        return sized

    def capture(self, request_id: str, tokens: int, cost_atto: int) -> None:
        held = self.holds[request_id]
        account = self.accounts[held.hold_request.tenant_id]
        same = account.period == held.period
        charge = settle(held.hold_request.tariff, held.grant, tokens, cost_atto, account.spare if same else 0)
        self._release(held, charge, tokens, "captured")
        self.answers[request_id] = charge

    def void(self, request_id: str, state: str = "void") -> None:
        held = self.holds.get(request_id)
        if held is not None and held.state == "open":
            self._release(held, Charge(), 0, state)

    def _release(self, held: Held, charge: Charge, tokens: int, state: str) -> None:
        account, key = self.accounts[held.hold_request.tenant_id], self.keys.get(held.hold_request.key_id or 0)
        held.state = state
        account.held -= held.grant.wallet.nanousd
        account.balance -= charge.wallet.nanousd
        if account.period == held.period:
            account.held_tokens -= held.grant.allowance_tokens
            account.used += charge.allowance_tokens
        if key is not None and key.month == held.month:
            key.held -= held.grant.tokens
            key.used += min(tokens, held.grant.tokens)

    def credit(self, tenant: int, amount: Money, ref: str) -> None:
        if ref not in self.refs:
            self.refs.add(ref)
            account = self.accounts[tenant]
            repaid = min(amount.nanousd, account.owed)
            account.owed -= repaid
            account.balance += amount.nanousd - repaid

    def debit(self, tenant: int, amount: Money, ref: str) -> None:
        if ref not in self.refs and amount != ZERO:
            self.refs.add(ref)
            account = self.accounts[tenant]
            taken = min(amount.nanousd, account.balance - account.held)
            account.balance -= taken
            account.owed += amount.nanousd - taken

    def start_plan(self, tenant: int, tokens: int) -> None:
        account = self.accounts[tenant]
        account.tokens, account.used, account.held_tokens, account.period = tokens, 0, 0, account.period + 1
