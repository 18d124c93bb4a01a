"""The result of one check of `doctor`."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The severity. `FAULT`: Farthing does not work. `WARNING`: it works, but an operator should know."""

    FINE = "ok"
    WARNING = "!"
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `about`: the setting or part; `advice`: how to correct it, empty if it is correct."""

    level: Level
    about: str
    text: str
    advice: str = ""

    def line(self) -> str:
        return f"{self.level.value:>5}  {self.about}: {self.text}" + (
            f"\n       → {self.advice}" if self.advice else ""
        )


def fine(about: str, text: str) -> Finding:
    return Finding(Level.FINE, about, text)


def warning(about: str, text: str, advice: str) -> Finding:
    return Finding(Level.WARNING, about, text, advice)


def fault(about: str, text: str, advice: str) -> Finding:
    return Finding(Level.FAULT, about, text, advice)
