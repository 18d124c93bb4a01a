"""Answers whose hold was lost: the process stood still, or the answer existed already."""

import logging
from functools import partial

from bot.context import Context
from engine.errors import HoldLost
from storage.ledger import expiry

log = logging.getLogger(__name__)


async def after_lost_hold(context: Context, error: HoldLost) -> None:
    """Answer again if the hold expired while this process stood still, unless another one has taken the update over.

    Else the answer exists already: send it if that was not done.
    """
    if await context.services.db.read(partial(expiry.has_expired, hold_id=error.hold_id)):
        log.warning("hold %s expired while this process stood still: the question is answered again", error.hold_id)
        await context.hand_back()
    else:
        await context.courier.send(context.request_id)
