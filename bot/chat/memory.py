"""The turns before a question: instructions, persona, the summary of older turns, and the latest ones.

They change as little as possible from one question to the next, so that providers find them in their prompt caches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bot.context import Context, claimed_update
from bot.groups.talk import paid_by
from bot.questions.personas import system_text
from bot.spending.brake import AskFirst, brake_for
from bot.spending.prices import price_of
from engine.attempt_record import Receipt
from engine.catalog.catalog import Catalog
from engine.catalog.picture_tokens import IMAGE_TOKENS
from engine.catalog.token_counts import PER_MESSAGE, estimate_text
from engine.chat import ChatRequest, Message, Role, Text, says
from engine.completion import Completion
from engine.errors import Closing, EngineError
from engine.money import ZERO, Money
from engine.ports import CaptureStep
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.schedules.zones import zone_of
from storage.telegram import conversation_memory, conversations
from storage.telegram.conversations import ConversationMemory, StoredTurn
from storage.telegram.questions import QuestionRecord
from storage.tenants.tenant_settings import INSTRUCTIONS
from storage.tenants.tenants import TenantState

ALWAYS_FITS_TOKENS = 2000
_SAFE_SHARE = 0.7  # a model's own token count may exceed the estimate by half
SUMMARY_MODEL = "auto"
SUMMARY_TOKENS = 600
MOST_TOKENS = 16_000
"""The most tokens of messages that one summary replaces."""
MOST_TURN_CHARS = 4000
_INSTRUCTION = (
    "Summarise the conversation below for the assistant that continues it: facts about the user, decisions, names,"
    " numbers, open questions. At most 250 words, in the language of the conversation. Send the summary only."
)
_EARLIER = "Summary of the earlier conversation:"


@dataclass(frozen=True, slots=True)
class Remembered:
    """The turns to send before the question, and remarks to the asker about them."""

    messages: tuple[Message, ...] = ()
    remarks: tuple[str, ...] = ()


async def recall(context: Context, record: QuestionRecord, question: Message) -> Remembered:
    """Return the turns before a question. Turns that no longer fit are summarised, and the asker is charged for that.

    In groups they are left out instead, so that an asker does not pay for what others wrote.
    """
    if record.schedule_id:
        return await _scheduled(context)
    state, place = await context.state(), record.place
    most = int(state.settings.get("memory", conversations.MOST_MESSAGES))
    if not record.is_private:
        return await _in_group(context, record, question, most)
    within = partial(conversations.recall, chat_id=place.chat_id, thread_id=place.thread_id)
    within = partial(within, before_request=record.answer_request_id)
    memory = await context.services.db.read_key(partial(within, most=conversations.FEW_TURNS))
    if len(memory.turns) == conversations.FEW_TURNS:  # there may be more
        memory = await context.services.db.read(within)
    limit = limit_of(context, state, record)
    first = first_turn(memory.turns, question, most, limit)
    remarks: tuple[str, ...] = ()
    if first and most == conversations.MOST_MESSAGES:
        memory, first, remarks = await _shortened(context, record, memory, first)
    has_text = memory.persona or INSTRUCTIONS in state.settings
    system = await system_text(context, memory.persona) if has_text else ""
    if memory.summary and most:
        system = "\n\n".join(filter(None, (system, f"{_EARLIER}\n{memory.summary}")))
    turns = tuple(turn.message for turn in memory.turns[first:])
    return Remembered((says(Role.SYSTEM, system), *turns) if system else turns, remarks)


async def _scheduled(context: Context) -> Remembered:
    """Return the turns before a run of a scheduled prompt: no earlier turns, but the date, which models don't know."""
    now = context.services.clock.now().astimezone(zone_of((await context.state()).settings))
    date = f"This question is asked on a schedule. Now it is {now:%A, %Y-%m-%d %H:%M}, time zone {now.tzinfo}."
    system = await system_text(context, "")
    return Remembered((says(Role.SYSTEM, "\n\n".join(filter(None, (system, date)))),))


async def _in_group(context: Context, record: QuestionRecord, question: Message, most: int) -> Remembered:
    place, limit = record.place, limit_of(context, await context.state(), record)
    if not most:
        return Remembered()
    said = await context.services.db.read(
        lambda conn: conversations.said(
            conn, place.chat_id, place.thread_id, messages=most, before_request=record.answer_request_id
        )
    )
    past = paid_by(record.tenant_id, said, context.services.config.talk_tokens)
    kept = past if limit is None else latest_turns(past, question, limit)
    return Remembered(kept, _forgotten(context, record) if len(kept) < len(past) else ())


def _forgotten(context: Context, record: QuestionRecord) -> tuple[str, ...]:
    """Return the remark that the oldest turns are left out, once per conversation."""
    place = record.place
    is_first = context.services.answers.is_first_shortening(place.chat_id, place.thread_id)
    return (context.t("chat.forgot"),) if is_first else ()


def first_turn(turns: Sequence[StoredTurn], question: Message, most: int, limit_tokens: int | None) -> int:
    """Return how many of the oldest turns are left out because of the user's limit, in characters or in tokens.

    The rest begins with a question, and with the same one for several questions in a row: see `first_kept`.
    """
    if not most:
        return len(turns)
    first = min(conversations.left_out(len(turns), most), len(turns))
    asked = [turn.message.role is Role.USER for turn in turns]
    first += conversations.first_kept([turn.chars for turn in turns[first:]], asked[first:], conversations.MOST_CHARS)
    sizes = [tokens_of(turn.message) for turn in turns[first:]]
    if limit_tokens is None or sum(sizes) + tokens_of(question) < ALWAYS_FITS_TOKENS:
        return first
    kept = conversations.first_kept([*sizes, tokens_of(question)], [*asked[first:], True], limit_tokens)
    return min(first + kept, len(turns))


def latest_turns(past: Sequence[Message], question: Message, limit_tokens: int) -> tuple[Message, ...]:
    """Return the latest messages that fit together with the question, oldest first; the first one is the user's.

    Above the limit, the oldest are left out until half of it is free: see `first_kept`.
    """
    sizes = [tokens_of(message) for message in (*past, question)]
    asked = [message.role is Role.USER for message in (*past, question)]
    return tuple(past[conversations.first_kept(sizes, asked, limit_tokens) :])


def tokens_of(message: Message) -> int:
    """Estimate the tokens of a message."""
    parts = (estimate_text(part.text) if isinstance(part, Text) else IMAGE_TOKENS for part in message.parts)
    return PER_MESSAGE + sum(parts)


def limit_of(context: Context, state: TenantState, record: QuestionRecord) -> int | None:
    """Return the input limit of the model that a question is asked of. Raises UnknownModel."""
    market, name = context.services.market, record.model or str(state.settings.get("model", "auto"))
    output_tokens = state.tenant(context.services.plans).plan.max_output_tokens
    return input_limit_tokens(market.catalog, name, output_tokens, market.clock.now())


def input_limit_tokens(catalog: Catalog, name: str, output_tokens: int, at: datetime) -> int | None:
    """Return the input limit of the longest context among a model's regular offers; None if one context is unknown.

    Raises UnknownModel.
    """
    model = catalog.model(name)
    offers = [offer for offer in model.offers if catalog.configured(offer.provider)]
    regular = [offer for offer in offers if offer not in model.last_resort] or offers
    contexts = [catalog.context_tokens(offer, at) for offer in regular]
    known = [context for context in contexts if context is not None]
    if not known or len(known) < len(contexts):
        return None
    longest = max(known)
    return int((longest - min(output_tokens, longest // 4)) * _SAFE_SHARE)


async def _shortened(
    context: Context, record: QuestionRecord, memory: ConversationMemory, first: int
) -> tuple[ConversationMemory, int, tuple[str, ...]]:
    """Summarise the first turns; return the memory, the number of turns to leave out, and remarks.

    If that fails the turns are left out, and the asker is told once.
    """
    summary = _Summary(context, record, memory, first)
    try:
        await summary.make()
    except Closing:
        raise
    except (EngineError, AskFirst):
        summary.text = ""
    if summary.text:
        kept = ConversationMemory(memory.conversation_id, memory.persona, summary.text, memory.turns[first:])
        return kept, 0, (summary.remark,)
    return memory, first, _forgotten(context, record)


@dataclass(slots=True)
class _Summary:
    """A summary of the first turns of a conversation: a side call that is held, charged and stored by itself."""

    context: Context
    record: QuestionRecord
    memory: ConversationMemory
    first: int
    text: str = ""
    price: Money | None = None

    async def make(self) -> None:
        """Make the summary.

        Raises EngineError, or AskFirst if it is expected to cost too much; then nothing is charged.
        """
        context, request = self.context, self._request()
        tenant = await context.tenant()
        brake = await brake_for(context, request, tenant, self.record)
        gateway = context.services.gateway
        async with gateway.answer(tenant, request, finish=self._finish, approve=brake.check) as answer:
            await answer.whole()

    @property
    def remark(self) -> str:
        return self.context.t("chat.summarised", price=self.price or ZERO)

    def _request(self) -> ChatRequest:
        claimed, market = claimed_update.get(), self.context.services.market
        turns = [_line(turn.message) for turn in self.memory.turns[: self.first]]
        limit = input_limit_tokens(market.catalog, SUMMARY_MODEL, SUMMARY_TOKENS, market.clock.now())
        turns = latest_lines(turns, MOST_TOKENS if limit is None else min(limit - SUMMARY_TOKENS, MOST_TOKENS))
        if self.memory.summary:
            turns.insert(0, f"{_EARLIER}\n{self.memory.summary}")
        return ChatRequest(
            id=f"{self.context.request_id}:summary",
            model=SUMMARY_MODEL,
            messages=(says(Role.SYSTEM, _INSTRUCTION), says(Role.USER, "\n\n".join(turns))),
            max_output_tokens=SUMMARY_TOKENS,
            epoch=claimed.epoch if claimed else 1,
            is_side_call=True,
        )

    async def _finish(self, completion: Completion, _: Receipt) -> CaptureStep:
        self.text = completion.text.strip()
        until, conversation = self.memory.turns[self.first - 1].id, self.memory.conversation_id

        def step(conn: Connection, charge: Charge) -> None:
            self.price = price_of(self.context.services.market.catalog, SUMMARY_MODEL, charge)
            if self.text and conversation is not None:
                conversation_memory.store_summary(conn, conversation, self.text, until)

        return step


def latest_lines(lines: Sequence[str], most_tokens: int) -> list[str]:
    """Return the last lines that have at most `most_tokens` together."""
    kept: list[str] = []
    for line in reversed(lines):
        most_tokens -= estimate_text(line)
        if most_tokens < 0:
            break
        kept.append(line)
    return kept[::-1]


def _line(message: Message) -> str:
    name = "Assistant" if message.role is Role.ASSISTANT else "User"
    return f"{name}: {message.text[:MOST_TURN_CHARS]}"
