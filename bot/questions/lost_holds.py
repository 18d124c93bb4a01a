"""Answers whose hold was lost: the process was paused, or the answer existed already."""

import logging
from functools import partial

from bot.context import Context
from engine.errors import HoldLost
from storage.ledger import expiry

log = logging.getLogger(__name__)
MOST_EPOCHS = 5  # of one question: each one that is lost costs the operator an answer


async def after_lost_hold(context: Context, error: HoldLost) -> bool:
    """Answer again if the hold expired while this process was paused, unless another one has taken the update over.

    Else the answer exists already: send it if that was not done. Return False if the question ends without an answer:
    its asker has stopped it, or its hold has expired too often.
    """
    if not await context.services.db.read(partial(expiry.has_expired, hold_id=error.hold_id)):
        await context.courier.send(context.request_id)
        return True
    if error.was_stopped or _epoch(error) >= MOST_EPOCHS:
        log.warning("hold %s expired while this process was paused: the question ends unanswered", error.hold_id)
        return False
    log.warning("hold %s expired while this process was paused: the question is answered again", error.hold_id)
    await context.hand_back()
    return True


def _epoch(error: HoldLost) -> int:
    """Return the number of times that the request has begun."""
    return int(error.hold_id.rpartition(":")[2])
