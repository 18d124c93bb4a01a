"""The observers of attempts."""

from dataclasses import replace

from engine.attempt_record import AttemptRecord
from engine.gateway.question import Market
from tests.builders import attempt
from tests.engine.scripted import AnswerSetup, ScriptedProvider, whole


class Seen:
    """An observer that keeps the attempts."""

    def __init__(self) -> None:
        self.attempts: list[tuple[AttemptRecord, tuple[str, ...], str]] = []

    def attempt_ended(self, record: AttemptRecord, finishes: tuple[str, ...], operation: str) -> None:
        self.attempts.append((record, finishes, operation))


def test_every_observer_is_told_of_an_attempt() -> None:
    seen, other, record = Seen(), Seen(), attempt()
    market: Market = replace(AnswerSetup(ScriptedProvider("a", whole("x"))).market, observers=(seen, other))
    market.observe(record, ("stop",), "embeddings")
    market.observe(record)
    assert seen.attempts == other.attempts == [(record, ("stop",), "embeddings"), (record, (), "chat")]
