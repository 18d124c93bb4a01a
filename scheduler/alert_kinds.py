"""The kinds of incidents: the texts of their messages, their buttons, and their order by severity."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from locales.button import Button
from scheduler.everything_down import ALL_DOWN, all_down_values
from scheduler.incidents import RECOVERY, REPLY, IncidentFacts
from scheduler.outage_facts import OFFER_AVOIDED, OUTAGE_KINDS, avoided_values, minutes_between, outage_values
from storage.alerts.database_trouble import KIND as DATABASE_GONE
from storage.alerts.incidents import Incident


@dataclass(frozen=True, slots=True)
class AlertKind:
    """The texts of a kind: keys of the locales, and functions that return values and buttons from the facts.

    `past_key`: the text of an incident that has ended before it could be told.
    """

    key: str
    recovery_key: str
    past_key: str
    values: Callable[[IncidentFacts], Mapping[str, object]] = lambda facts: facts
    buttons: Callable[[Incident], tuple[Button, ...]] = lambda _: ()


def _plain(facts: IncidentFacts) -> Mapping[str, object]:
    return {name: value for name, value in facts.items() if name != RECOVERY}


def _of_provider(incident: Incident) -> tuple[Button, ...]:
    provider = incident.subject.partition("/")[0]
    return (
        *_hands(incident),
        Button("alert.drain", "providers", "drain", (provider,)),
        Button("alert.probe", "providers", "probe", (provider,)),
    )


def hands(ids: tuple[str, ...], *, acknowledged: bool) -> tuple[Button, ...]:
    """Return the buttons of these incidents: mute, and acknowledge unless an admin has done so."""
    mute = Button("alert.mute", "alerts", "mute", ids)
    return (mute,) if acknowledged else (Button("alert.ack", "alerts", "ack", ids), mute)


def _hands(incident: Incident) -> tuple[Button, ...]:
    return hands((str(incident.id),), acknowledged=incident.acknowledged)


KINDS: Mapping[str, AlertKind] = {
    ALL_DOWN: AlertKind(
        "alert.everything_down", "alert.everything_back", "alert.everything_was_down", all_down_values, _hands
    ),
    **{
        kind: AlertKind("alert.provider_down", "alert.provider_back", "alert.was_down", outage_values, _of_provider)
        for kind in OUTAGE_KINDS
    },
    DATABASE_GONE: AlertKind("alert.database_gone", "alert.database_gone_over", "alert.database_was_gone", _plain),
    "database_slow": AlertKind(
        "alert.database_slow", "alert.database_slow_over", "alert.database_was_slow", _plain, _hands
    ),
    "disk_low": AlertKind("alert.disk_low", "alert.disk_low_over", "alert.disk_was_low", _plain, _hands),
    "clock_wrong": AlertKind("alert.clock_wrong", "alert.clock_wrong_over", "alert.clock_was_wrong", _plain, _hands),
    "other_poller": AlertKind(
        "alert.other_poller", "alert.other_poller_over", "alert.poller_was_there", _plain, _hands
    ),
    "balance_low": AlertKind("alert.balance_low", "alert.balance_up", "alert.balance_was_low", _plain, _hands),
    "offer_slow": AlertKind("alert.offer_slow", "alert.offer_slow_over", "alert.offer_was_slow", _plain, _of_provider),
    OFFER_AVOIDED: AlertKind(
        "alert.offer_avoided", "alert.offer_preferred", "alert.offer_was_avoided", avoided_values, _of_provider
    ),
}
"""The kinds of incidents by name, the gravest first."""


def past_text(incident: Incident) -> tuple[str, Mapping[str, object]]:
    """Return the text, and its values, of an incident that has ended before it could be told."""
    kind, facts, end = KINDS[incident.kind], incident.facts, incident.closed_at or incident.seen_at
    recovery: Mapping[str, object] = facts.get(RECOVERY, {})
    since = facts.get("since")
    start = min(since, incident.opened_at) if isinstance(since, datetime) else incident.opened_at
    span = {"start": start, "end": end, "minutes": minutes_between(start, end)}
    said = {"key": kind.past_key, "values": {**kind.values(facts), **span, **_meanwhile(facts, recovery)}}
    removed = [{"key": str(recovery[REPLY]), "values": recovery}] if REPLY in recovery else []
    return "alert.group", {"sections": [said, *removed, {"key": "alert.late", "values": {}}]}


def _meanwhile(facts: IncidentFacts, recovery: Mapping[str, object]) -> Mapping[str, object]:
    """Return the values that only the end has shown: the prompts that others answered, the new balance."""
    bridged = {"key": "alert.bridged", "values": recovery} if "prompts" in recovery else ""
    failed = {"key": "alert.failed_meanwhile", "values": {"count": facts["count"]}} if facts.get("count") else ""
    topped_up = {"key": "alert.topped_up", "values": recovery} if "balance" in recovery else ""
    return {"bridged": bridged, "failed": failed, "topped_up": topped_up}


_RANKS = {kind: number for number, kind in enumerate(KINDS)}


def rank(incident: Incident) -> tuple[int, int]:
    """Return the key that sorts incidents: the most severe kind first, then the oldest."""
    return _RANKS[incident.kind], incident.id
