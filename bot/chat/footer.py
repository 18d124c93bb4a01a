"""What stands below an answer: how it ended where that isn't plain, and what it cost where that is wished for."""

from collections.abc import Callable
from decimal import Decimal

from engine.attempt_record import ABANDONED, Receipt
from engine.chat import Completion, Finish
from engine.money import Money
from engine.tenancy import Charge

Words = Callable[..., str]
_ENDINGS = {Finish.REFUSED: "chat.filtered", Finish.LENGTH: "chat.length"}


def notes(t: Words, completion: Completion, charge: Charge, receipt: Receipt) -> list[str]:
    """Who began it and could not finish, who stopped it."""
    found = [t("chat.restarted", provider=name, by=completion.provider) for name in _broke_off(receipt)]
    finish = completion.choices[0].finish if completion.choices else None
    if completion.stopped:
        found.append(t("chat.stopped", paid=paid(t, charge)))
    elif finish in _ENDINGS and completion.text:
        found.append(t(_ENDINGS[finish]))
    return found


def footer(t: Words, completion: Completion, charge: Charge, receipt: Receipt) -> str:
    """`0.04 ¢ · deepseek · 1.2 s`."""
    seconds = sum(attempt.duration_ms for attempt in receipt.attempts) / 1000
    return f"{paid(t, charge)} · {completion.provider} · {seconds:.1f} s"


def paid(t: Words, charge: Charge) -> str:
    """The allowance's tokens, the wallet's cents, or both."""
    tokens = t("chat.tokens", n=f"{charge.allowance_tokens:,}")
    if not charge.wallet:
        return tokens if charge.allowance_tokens else cents(charge.wallet)
    return f"{tokens} + {cents(charge.wallet)}" if charge.allowance_tokens else cents(charge.wallet)


def cents(amount: Money) -> str:
    """To three digits, as people write them: `0.0412 ¢`, `1,240 ¢`."""
    value: Decimal = amount.decimal * 100
    shown = f"{value:,.{max(0, 2 - value.adjusted())}f}"
    return f"{shown.rstrip('0').rstrip('.') if '.' in shown else shown} ¢"


def _broke_off(receipt: Receipt) -> list[str]:
    """Providers whose words were shown and taken back."""
    lost = (each for each in receipt.attempts if not each.kept and each.first_token_ms is not None)
    return list(dict.fromkeys(each.provider for each in lost if each.outcome != ABANDONED))
