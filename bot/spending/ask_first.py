"""The question before an answer that is expected to exceed a limit, and its buttons."""

from dataclasses import replace

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.buttons import button, rows
from bot.context import Context
from bot.questions.buttons import COMMAND
from bot.spending.brake import AskFirst, Over
from bot.spending.prices import price_by
from engine.chat import ChatRequest
from engine.money import Money
from engine.tenancy import Plan
from storage.telegram.questions import Ask, QuestionRecord

GO_ON, BRIEF, CHEAPER = "go", "brief", "cheap"
CHEAPER_MODEL = "auto"
_PRICE_DIGITS = 2
_NANO_PER_MICRO = 1000
_TOKENS_PER_WORD = 2  # a generous estimate: about 1.4 in English, up to 2 in other languages


def question(context: Context, record: QuestionRecord, plan: Plan, first: AskFirst) -> tuple[str, InlineKeyboardMarkup]:
    """Return the text and the buttons; in groups without amounts, with a link to the private chat that shows them."""
    if context.in_group:
        link = InlineKeyboardButton(context.t("button.private"), url=context.private_link("limit"))
        return context.t("brake.group"), rows([*_ways(context, record, plan, first), link], width=1)
    price = first.price.significant_up(_PRICE_DIGITS)
    text = context.t(f"brake.{first.over}", price=price, bound=first.bound)
    return text, rows([*_ways(context, record, plan, first), _remedy(context, first.over)], width=1)


def _remedy(context: Context, over: Over) -> InlineKeyboardButton:
    """Return the button that raises the limit."""
    if over is Over.FUNDS:
        return button(context.t("button.topup"), "topup", "open", owner=context.user.id)
    return button(context.t("brake.limits"), "limit", "open", owner=context.user.id)


def _ways(context: Context, record: QuestionRecord, plan: Plan, first: AskFirst) -> list[InlineKeyboardButton]:
    """Return the buttons that continue with this question. Each contains the price that pressing it accepts."""
    made = []
    if first.shorter_tokens:
        made.append(_way(context, record, BRIEF, first.bound, first.shorter_tokens))
    cheaper = _cheaper_price(context, first.request, plan)
    if cheaper is not None and cheaper < first.price:
        made.append(_way(context, record, CHEAPER, cheaper))
    made.append(_way(context, record, GO_ON, first.price))
    return made


def _way(context: Context, record: QuestionRecord, way: str, price: Money, tokens: int = 0) -> InlineKeyboardButton:
    shown = price if way == BRIEF else price.significant_up(_PRICE_DIGITS)
    label = context.t(f"brake.{way}_group") if context.in_group else context.t(f"brake.{way}", usd=shown)
    agreed = -(-price.nanousd // _NANO_PER_MICRO)
    return button(label, COMMAND, way, record.id, record.answers, agreed, tokens, owner=context.user.id)


def _cheaper_price(context: Context, request: ChatRequest, plan: Plan) -> Money | None:
    market = context.services.market
    if request.model == CHEAPER_MODEL or CHEAPER_MODEL not in market.catalog.models or not plan.allows(CHEAPER_MODEL):
        return None
    return price_by(market.catalog, market.clock.now(), request, CHEAPER_MODEL)


def agreed_ask(as_before: Ask, way: str, agreed_micros: int, tokens: int) -> Ask:
    """Return the ask that pressing a button accepts."""
    model = CHEAPER_MODEL if way == CHEAPER else as_before.model
    return replace(as_before, model=model, agreed_nanousd=agreed_micros * _NANO_PER_MICRO, output_tokens=tokens)


def brief_instruction(tokens: int) -> str:
    """Return an instruction for the model to keep its answer within this number of tokens."""
    return f"\n\nKeep the answer under {max(1, tokens // _TOKENS_PER_WORD)} words, so that it is complete."
