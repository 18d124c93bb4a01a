"""Variants of an answer: the turns that ask the model for a shorter or longer one, and the buttons that choose one."""

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.buttons import button, rows
from bot.context import Context
from bot.questions.buttons import COMMAND
from bot.spending.prices import price_by
from engine.catalog.catalog import Catalog
from engine.catalog.token_counts import estimate_text
from engine.chat import ChatRequest, Finish, Message, Role, says
from engine.completion import Completion
from engine.money import Money
from engine.ports import Clock
from engine.tenancy import Plan
from storage.telegram.questions import QuestionRecord

VARIANT, SMART = "variant", "smart"
AGAIN, SHORTER, LONGER, SMARTER = "again", "shorter", "longer", "smarter"
VARIANTS = frozenset({AGAIN, SHORTER, LONGER, SMARTER})
_INSTRUCTIONS = {
    SHORTER: "Give me this answer again in about half as many words, in the same language. Send the answer only.",
    LONGER: "Give me this answer again, about twice as long and with more detail, in the same language."
    " Send the answer only.",
}
_PRICE_DIGITS = 1


def variant_turns(variant: str, standing_answer: str | None) -> tuple[Message, ...]:
    """Return the turns after the question that ask for a variant of the current answer."""
    instruction = _INSTRUCTIONS.get(variant)
    if instruction is None or not standing_answer:
        return ()
    return (says(Role.ASSISTANT, standing_answer), says(Role.USER, instruction))


def answer_keyboard(
    context: Context, record: QuestionRecord, request: ChatRequest, plan: Plan, completion: Completion
) -> InlineKeyboardMarkup:
    """Return the buttons under an answer to this request."""
    made = [_button(context, record, variant, context.t(f"variant.{variant}")) for variant in (AGAIN, SHORTER, LONGER)]
    market = context.services.market
    if _offers_smart(market.catalog, request, plan):
        price = smart_price(market.catalog, market.clock, request, completion) if record.is_private else None
        label = context.t("variant.smarter") if price is None else context.t("variant.smarter_price", usd=price)
        made.append(_button(context, record, SMARTER, label))
    return rows(made)


def _button(context: Context, record: QuestionRecord, variant: str, label: str) -> InlineKeyboardButton:
    """Return a button that works from when the answer is stored until the next answer replaces it."""
    return button(label, COMMAND, VARIANT, variant, record.id, record.answers + 1, owner=context.user.id)


def _offers_smart(catalog: Catalog, request: ChatRequest, plan: Plan) -> bool:
    return SMART in catalog.models and request.model != SMART and plan.allows(SMART)


def smart_price(catalog: Catalog, clock: Clock, request: ChatRequest, completion: Completion) -> Money | None:
    """Return the expected charge for this request with `smart`; None if none of its offers can be quoted.

    An answer as long as the one above the button is assumed, so that their prices can be compared; for one that was
    cut or is empty, the usual length.
    """
    is_whole = not completion.stopped and all(each.finish is not Finish.LENGTH for each in completion.choices)
    tokens = estimate_text(completion.text) if is_whole else 0
    price = price_by(catalog, clock.now(), request, SMART, tokens)
    return None if price is None else price.significant(_PRICE_DIGITS)
