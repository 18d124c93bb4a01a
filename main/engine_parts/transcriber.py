"""The transcriber of [transcriber] in farthing.toml: its provider and its price."""

import logging
from collections.abc import Mapping
from typing import cast

from engine.catalog.offers import Offer
from engine.gateway.question import Market
from engine.gateway.transcription import Rate, Transcriber
from engine.money import Money, exact
from engine.ports import Ledger, SpeechProvider
from engine.providers.spec import Spec
from main.config_faults import ConfigError
from main.settings import Settings

log = logging.getLogger("farthing")


def build_transcriber(
    settings: Settings, market: Market, ledger: Ledger, known: Mapping[str, Spec]
) -> Transcriber | None:
    """Return the transcriber; None if none is configured or its provider has no key.

    Raises ConfigError for a provider that can't transcribe.
    """
    section = settings.config.transcriber
    if section is None:
        return None
    offer = Offer.named(section.offer)
    able = [name for name, spec in known.items() if spec.dialect == "openai"]
    if offer.provider not in able or not offer.model:
        raise ConfigError(
            f'{settings.env.farthing_config}: transcriber.offer: "{section.offer}": expected "provider/model" with a '
            f"provider of the openai dialect: one of {', '.join(able)}"
        )
    provider, spec = market.providers[offer.provider], known[offer.provider]
    if not provider.keys:
        log.warning("recordings can't be transcribed: [transcriber] names %s, which has no key", offer.provider)
        return None
    markup = settings.config.billing.markup if section.markup is None else section.markup
    least = spec.least_billed_seconds if section.min_seconds is None else section.min_seconds
    rate = Rate(Money.usd(section.usd_per_minute), exact(markup), int(least))
    return Transcriber(market, ledger, cast("SpeechProvider", provider), offer, rate, section.max_seconds)
