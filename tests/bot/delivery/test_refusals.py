import pytest
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError, TimedOut

from bot.delivery.refusals import RefusedFor, reason_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (BadRequest("Message thread not found"), RefusedFor.THREAD),
        (BadRequest("TOPIC_DELETED"), RefusedFor.THREAD),
        (BadRequest("TOPIC_CLOSED"), RefusedFor.THREAD),
        (BadRequest("Message to be replied not found"), RefusedFor.REPLY),
        (BadRequest("Not enough rights to send text messages to the chat"), RefusedFor.CHAT),
        (BadRequest("Have no rights to send a message"), RefusedFor.CHAT),
        (BadRequest("Chat not found"), RefusedFor.CHAT),
        (BadRequest("CHAT_WRITE_FORBIDDEN"), RefusedFor.CHAT),
        (BadRequest("CHAT_SEND_PLAIN_FORBIDDEN"), RefusedFor.CHAT),
        (BadRequest("Group chat was deactivated"), RefusedFor.CHAT),
        (Forbidden("bot was blocked by the user"), RefusedFor.CHAT),
        (Forbidden("bot was kicked from the supergroup chat"), RefusedFor.CHAT),
        (BadRequest("Can't parse entities"), RefusedFor.CONTENT),
        (BadRequest("Entity URL 'x' is invalid: Wrong HTTP URL"), RefusedFor.CONTENT),
        (TimedOut(), None),
        (NetworkError("reset"), None),
        (RetryAfter(1), None),
    ],
)
def test_refusal_has_one_reason(error: TelegramError, reason: RefusedFor | None) -> None:
    assert reason_of(error) is reason
