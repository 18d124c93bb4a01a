"""The messages in an admin's chat, as the oracle reads them."""

import re
from dataclasses import dataclass, replace

from scheduler.ports import Sent
from tests.scheduler.days.mortal import Telegram

ADMINS = (9001, 9002)
"""The second admin has blocked the bot, and comes back at some time."""
DOWN = re.compile(r"🔴 (\S+) is down: (\w+)")
WAS_DOWN = re.compile(r"🟢 (\S+) was down: (\w+)")
AVOIDED = re.compile(r"🟡 (\S+) is avoided")
LIMITED = re.compile(r"📉 (\S+) answers 429 at (\d+)")
ALL = re.compile(r"🚨 (Everything is down)")
PRICE = re.compile(r"🏷 (\S+) has a new price")
LOW = re.compile(r"🪫 (\S+) has")


@dataclass(frozen=True, slots=True)
class Told:
    """A message and its reply, in seconds of the loop. `ended_at` None: no reply yet.

    `is_past`: the message itself tells the end.
    """

    number: int
    subject: str
    at: float
    text: str
    ended_at: float | None
    replies: int
    is_past: bool = False

    @property
    def provider(self) -> str:
        return self.subject.partition("/")[0]


def told_to(telegram: Telegram, pattern: re.Pattern[str], admin: int = ADMINS[0]) -> list[Told]:
    """Return the messages to the admin that match the pattern, with their replies."""
    found: list[Told] = []
    replies: dict[Sent | None, list[Sent]] = {}
    for sent, message in telegram.messages.items():
        replies.setdefault(message.reply_to, []).append(sent)
    for sent, message in telegram.messages.items():
        for match in pattern.finditer(message.text if sent[0] == admin else ""):
            own = [each for each in replies.get(sent, []) if match[1] in telegram.messages[each].text]
            ended = [each for each in own if "again" not in telegram.messages[each].text or pattern is AVOIDED]
            ended_at = telegram.at[ended[0]] if ended else None
            found.append(Told(sent[1], match[1], telegram.at[sent], match[0], ended_at, len(own)))
    return found


def outages_told_to(telegram: Telegram, admin: int = ADMINS[0]) -> list[Told]:
    """Return the outages that the admin was told of, also those that were over by then."""
    past = [replace(each, ended_at=each.at, is_past=True) for each in told_to(telegram, WAS_DOWN, admin)]
    return sorted([*told_to(telegram, DOWN, admin), *past], key=lambda each: each.number)
