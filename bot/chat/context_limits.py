"""The context limit of a model, and the turns of a conversation that fit into it."""

from collections.abc import Sequence
from datetime import datetime

from bot.context import Context
from engine.catalog.catalog import Catalog
from engine.catalog.picture_tokens import IMAGE_TOKENS
from engine.catalog.token_counts import PER_MESSAGE, estimate_text
from engine.chat import Message, Role, Text
from storage.telegram import conversations
from storage.telegram.questions import QuestionRecord
from storage.tenants.tenants import TenantState

_SAFE_SHARE = 0.7  # a model's own token count may exceed the estimate by half


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
    offers = [offer for offer in model.offers if catalog.is_configured(offer.provider)]
    regular = [offer for offer in offers if offer not in model.last_resort] or offers
    contexts = [catalog.context_tokens(offer, at) for offer in regular]
    known = [context for context in contexts if context is not None]
    if not known or len(known) < len(contexts):
        return None
    longest = max(known)
    return int((longest - min(output_tokens, longest // 4)) * _SAFE_SHARE)


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
