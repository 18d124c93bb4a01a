"""Contents of messages that can be described in words: contacts, places, polls, lists, dice, stickers."""

from collections.abc import Callable, Mapping
from typing import Any

from telegram import Checklist, Contact, Dice, Game, Invoice, Location, Poll, Sticker, Venue

MOST_CHARS = 2000


def told(source: Any) -> str:
    """Return the description of a message's content in brackets; empty if it can't be described."""
    for field, tell in _TOLD.items():
        content = getattr(source, field, None)
        if content:
            return f"[{' '.join(tell(content).split())[:MOST_CHARS]}]"
    return ""


def _contact(contact: Contact) -> str:
    name = " ".join(filter(None, (contact.first_name, contact.last_name)))
    return f"Contact: {name}, {contact.phone_number}"


def _place(location: Location) -> str:
    return f"{location.latitude}, {location.longitude}"


def _location(location: Location) -> str:
    return f"Location: {_place(location)} (latitude, longitude)"


def _venue(venue: Venue) -> str:
    return f"Place: {venue.title}, {venue.address} ({_place(venue.location)})"


def _poll(poll: Poll) -> str:
    options = "; ".join(f"{option.text} ({option.voter_count} votes)" for option in poll.options)
    kind = "Quiz" if poll.type == Poll.QUIZ else "Poll"
    right = [poll.options[number].text for number in poll.correct_option_ids or ()]
    answer = f"; right: {', '.join(right)}" if right else ""
    return f"{kind}: {poll.question} Options: {options}{answer}{'; closed' if poll.is_closed else ''}"


def _checklist(checklist: Checklist) -> str:
    tasks = "; ".join(f"{task.text} ({'done' if task.completion_date else 'open'})" for task in checklist.tasks)
    return f"Checklist: {checklist.title}: {tasks}"


def _dice(dice: Dice) -> str:
    return f"{dice.emoji} shows {dice.value}"


def _sticker(sticker: Sticker) -> str:
    return f"Sticker: {sticker.emoji}" if sticker.emoji else "Sticker"


def _game(game: Game) -> str:
    return f"Game: {game.title}. {game.description}"


def _invoice(invoice: Invoice) -> str:
    return f"Invoice: {invoice.title}. {invoice.description}"


_TOLD: Mapping[str, Callable[[Any], str]] = {
    "contact": _contact,
    "venue": _venue,  # checked before the location, which a message with a place also has
    "location": _location,
    "poll": _poll,
    "checklist": _checklist,
    "dice": _dice,
    "sticker": _sticker,
    "game": _game,
    "invoice": _invoice,
}
