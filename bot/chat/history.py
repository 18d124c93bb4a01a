"""How much of a conversation goes along with a question: as the user chose, and as the model's context allows."""

from collections.abc import Sequence

from engine.catalog.catalog import Catalog
from engine.catalog.token_counts import IMAGE_TOKENS, PER_MESSAGE, estimate_text
from engine.chat import Message, Role, Text

ALWAYS_FITS_TOKENS = 2000
_SAFE_SHARE = 0.7  # vocabularies differ by a half from what we estimate


def room_tokens(catalog: Catalog, name: str, output_tokens: int) -> int | None:
    """What may be sent to the longest context among a model's regular offers; None where nothing is known.

    Raises UnknownModel.
    """
    model = catalog.model(name)
    offers = [offer for offer in model.offers if catalog.is_configured(offer.provider)]
    regular = [offer for offer in offers if offer not in model.last_resort] or offers
    contexts = [catalog.context_tokens(offer) for offer in regular]
    known = [context for context in contexts if context is not None]
    if not known or len(known) < len(contexts):
        return None
    longest = max(known)
    return int((longest - min(output_tokens, longest // 4)) * _SAFE_SHARE)


def fitted(past: Sequence[Message], asked: Message, room: int) -> tuple[Message, ...]:
    """The latest turns that fit beside the question, oldest first; they begin with the user's words."""
    left = room - tokens(asked)
    kept: list[Message] = []
    for message in reversed(past):
        left -= tokens(message)
        if left < 0:
            break
        kept.append(message)
    while kept and kept[-1].role is not Role.USER:
        kept.pop()
    return tuple(reversed(kept))


def tokens(message: Message) -> int:
    """About what a message counts as."""
    parts = (estimate_text(part.text) if isinstance(part, Text) else IMAGE_TOKENS for part in message.parts)
    return PER_MESSAGE + sum(parts)
