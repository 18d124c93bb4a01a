"""The command `doctor`: prints every finding, then the verdict."""

import sys
from collections.abc import AsyncIterator

from main.doctor.finding import Finding, Level
from main.doctor.local import check_backups, check_database, check_disk, check_modes, check_settings
from main.doctor.network import check_providers, check_telegram
from main.observability.logs import Redactor
from main.settings import Settings


async def run_doctor(settings: Settings) -> int:
    """Print a line for each check. Return 0 if there is no fault, else 1. Raises ConfigError."""
    redactor = Redactor(settings.secrets())
    levels = []
    async for found in _findings(settings):
        levels.append(found.level)
        _say(redactor.hide(found.line()))
    faults, warnings = levels.count(Level.FAULT), levels.count(Level.WARNING)
    _say(f"\n{len(levels)} checks: {faults} faults, {warnings} warnings.")
    return 1 if faults else 0


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    for each in check_settings(settings):
        yield each
    yield await check_database(settings)
    for check in (check_disk, check_backups, check_modes):
        for each in check(settings):
            yield each
    async for each in check_telegram(settings):
        yield each
    async for each in check_providers(settings):
        yield each


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
