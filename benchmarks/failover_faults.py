"""The sixteen faults of the card, the result of one, and its verdict."""

from collections.abc import Callable
from dataclasses import dataclass, field

PRIMARY = "deepseek"


@dataclass(slots=True)
class Seen:
    """The result of one call. Seconds are unscaled; `calls`: calls of each provider."""

    text: str = ""
    error: str = ""
    reason: str = ""
    provider: str = ""
    model: str = ""
    tokens: int = 0
    has_usage: bool = False
    done: bool = False
    hung: bool = False
    whole: bool = False
    alive_after: bool = False
    seconds: float = 0.0
    charged_nanousd: int = 0
    expected_nanousd: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    answers: int = 0
    failures: int = 0
    calls_while_down: int = 0
    recovered_seconds: float | None = None

    @property
    def told(self) -> str:
        if self.answers:
            back = "never" if self.recovered_seconds is None else f"{self.recovered_seconds:.0f} s after"
            return f"{self.answers} of {self.answers + self.failures} answered; back on the first {back}"
        if self.hung:
            return "nothing"
        if self.error:
            return f"{self.error}, {self.seconds:.1f} s"
        return f"{'the whole' if self.whole else 'a CUT'} answer of {self.provider}, {self.seconds:.1f} s"

    def add(self, other: "Seen", *, is_whole: bool) -> None:
        """Add one call of a series."""
        answered = is_whole and not other.error and not other.hung
        self.answers += answered
        self.failures += not answered
        self.whole, self.hung = self.whole and is_whole, self.hung or other.hung
        self.charged_nanousd += other.charged_nanousd
        self.expected_nanousd += other.expected_nanousd
        for name, count in other.calls.items():
            self.calls[name] = self.calls.get(name, 0) + count
        self.error = self.error or other.error


Check = tuple[str, Callable[[Seen], bool]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `mode`: the first provider's mode.

    `must` decides between pass and fail, `advised` between pass and partial.
    """

    id: str
    title: str
    mode: str
    must: tuple[Check, ...] = ()
    advised: tuple[Check, ...] = ()
    model: str = "card"
    most_seconds: float = 45
    wants_error: bool = False
    flaps: bool = False


def _asked(seen: Seen) -> int:
    return seen.calls.get(PRIMARY, 0)


def _soon(seconds: float) -> Check:
    return f"within {seconds:g} s", lambda seen: seen.seconds <= seconds


_ASKED_AGAIN: Check = ("the same provider is asked again", lambda seen: _asked(seen) > 1)
_NOT_HAMMERED: Check = ("six calls at most", lambda seen: _asked(seen) <= 6)
_ONE_CALL: Check = ("asked once", lambda seen: _asked(seen) == 1)
_ALIVE: Check = ("healthy afterwards", lambda seen: seen.alive_after)
_USAGE: Check = ("usage is reported", lambda seen: seen.has_usage or bool(seen.error))
_IN_PLACE: Check = ("mended in place", lambda seen: seen.whole and seen.provider == PRIMARY)
_NAMED: Check = ("the model that answered is named", lambda seen: seen.model == "gemini-2.5-flash-lite")

FAULTS = (
    Fault("S01", "429 with Retry-After, once", "once:429", (_NOT_HAMMERED,), (_ASKED_AGAIN,), most_seconds=20),
    Fault("S02", "429 without Retry-After, always", "429_untold", (_NOT_HAMMERED,), most_seconds=40),
    Fault("S03", "500 once, then healthy", "once:error_500", (), (_ASKED_AGAIN,), most_seconds=20),
    Fault("S04", "503 always", "overloaded", (_NOT_HAMMERED,), most_seconds=40),
    Fault("S05", "TCP reset before headers", "once:reset", most_seconds=20),
    Fault("S06", "no response at all", "mute", (_soon(100),), (_ONE_CALL,), most_seconds=130),
    Fault("S07", "slow first token (20 s)", "slow", (), (_soon(15),), most_seconds=60),
    Fault("S08", "stream cut in mid-answer", "cut", most_seconds=40),
    Fault("S09", "stream stalls", "stall", (_soon(45), _ALIVE), most_seconds=70),
    Fault("S10", "malformed event in the stream", "malformed", (_ALIVE,), (_IN_PLACE,), most_seconds=30),
    Fault("S11", "stream ends without [DONE]", "no_done", (_soon(8),), (_USAGE,), most_seconds=30),
    Fault("S12", "context length exceeded", "context_too_long", (_ONE_CALL,), most_seconds=20),
    Fault("S13", "refused for its content", "moderated", (_ONE_CALL,), most_seconds=20, wants_error=True),
    Fault("S14", "cut, and the next takes no begun answer", "cut", model="noprefill", most_seconds=40),
    Fault(
        "S15",
        "down for a minute, then healthy",
        "overloaded",
        (("back within 30 s", lambda seen: seen.recovered_seconds is not None and seen.recovered_seconds <= 30),),
        flaps=True,
    ),
    Fault("S16", "accounting of a failover", "overloaded", (_NAMED, _NOT_HAMMERED), (_USAGE,), most_seconds=40),
)


def judged(fault: Fault, seen: Seen) -> tuple[str, str]:
    """Return the verdict (pass, partial, safe or fail) and its reason."""
    if seen.hung:
        return "fail", "it hangs"
    if seen.charged_nanousd != seen.expected_nanousd:
        return "fail", "wrongly charged"
    if not seen.error and not seen.whole and not fault.wants_error:
        return "fail", "a cut answer passed off as whole"
    if missed := [name for name, holds in fault.must if not holds(seen)]:
        return "fail", "not " + ", ".join(missed)
    if bool(seen.error) is not fault.wants_error:
        return ("partial", "answered by another") if fault.wants_error else ("safe", "")
    missed = [name for name, holds in fault.advised if not holds(seen)]
    return ("partial", "not " + ", ".join(missed)) if missed else ("pass", "")
