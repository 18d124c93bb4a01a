"""A transcriber whose provider follows a script."""

import asyncio
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

from engine.attempt_record import AttemptRecord
from engine.catalog.offers import Offer
from engine.errors import (
    ProviderError,
)
from engine.gateway.transcription import Rate, Transcriber, TranscriptionRequest
from engine.money import Money
from engine.ports import Ledger, LimitHeaders
from engine.routing.health import Health
from engine.speech import Recording, SpeechText
from tests.engine.gateway.embeddings.scripts import WalletLedger
from tests.engine.scripted import TENANT, AnswerSetup, ScriptedProvider

OFFER, RECORDING = Offer("one", "whisper"), Recording(b"sound", "recording.ogg", "audio/ogg")
RATE = Rate(Money(667_000), Fraction("1.40"))


class ScriptedSpeech:
    """A speech provider that follows its script. `used`: the keys of its calls."""

    name = "one"

    def __init__(self, *script: SpeechText | ProviderError | None, keys: int = 1) -> None:
        self._script, self.keys = list(script), keys
        self.used: list[int] = []
        self.reported: LimitHeaders | None = None

    async def transcribe(self, model: str, recording: Recording, key: int = 0) -> SpeechText:
        assert (model, recording) == ("whisper", RECORDING)
        self.used.append(key)
        step = self._script.pop(0)
        if step is None:
            await asyncio.Event().wait()
        if isinstance(step, Exception):
            raise step
        assert step is not None
        return step

    def limits(self, key: int) -> LimitHeaders | None:
        return self.reported if key == self.used[-1] else None


class Observed:
    """The outcomes, with their operations, that an observer of attempts gets."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []

    def attempt_ended(self, attempt: AttemptRecord, finishes: tuple[str, ...], operation: str) -> None:
        assert finishes == ()
        self.ended.append((attempt.outcome, operation))


class Setup:
    """A transcriber with everything around it; `fetched` counts downloads, `kept` lists the stored texts."""

    def __init__(self, speech: ScriptedSpeech, *, rate: Rate = RATE, wallet: Money = Money(10**9)) -> None:
        setup = AnswerSetup(ScriptedProvider("one", []))
        health = Health(setup.market.policy, setup.market.clock, {"one": speech.keys}, lambda: 0.0)
        self.journal, self.ledger, self.observed = setup.journal, WalletLedger(wallet), Observed()
        market = replace(setup.market, health=health, observers=(self.observed,))
        self.transcriber = Transcriber(market, cast("Ledger", self.ledger), speech, OFFER, rate, 600)
        self.speech, self.fetched, self.kept = speech, 0, list[str]()

    def request(self, seconds: int) -> TranscriptionRequest:
        async def fetch() -> Recording:
            self.fetched += 1
            return RECORDING

        def keep(text: str) -> Any:
            return lambda *_: self.kept.append(text)

        return TranscriptionRequest("r:voice", 3, seconds, fetch, keep)

    async def transcribe(self, seconds: int = 12) -> str:
        return (await self.transcriber.transcribe(TENANT, self.request(seconds))).text
