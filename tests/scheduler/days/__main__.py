"""Simulated days, run by hand: python -m tests.scheduler.days HOURS SEED [SEED ...] [-v] [-w] [-x] [-1] [-3]

Each seed gives one day with a single process and one with three; -1 and -3 choose one of them. -v prints the
simulated faults and the admin's chat. -w adds worse ones: providers that fail together or are slow, times without the
database or Telegram. -x adds those of `worst`: clocks that are set back or forward, offers that are removed, keys that
are replaced, leaders that freeze, muted incidents, an admin who comes back.
"""

import logging
import sys
from collections.abc import Iterator

from tests.scheduler.days.days import simulated
from tests.scheduler.days.oracle import Oracle
from tests.scheduler.days.service import Day


def main() -> int:
    logging.disable(logging.CRITICAL)
    hours, seeds = float(sys.argv[1]), [int(each) for each in sys.argv[2:] if not each.startswith("-")]
    failed = False
    for seed in seeds:
        for replicas in _kinds():
            day = simulated(seed, hours, replicas=replicas, is_worse="-w" in sys.argv, is_worst="-x" in sys.argv)
            faults = Oracle(day, hours).faults()
            failed = failed or bool(faults)
            said = f"seed {seed}, {'three processes' if replicas else 'one process'}, {len(day.weather.calls)} calls"
            shown = [f"{at - 1000:8.0f} {text}" for at, text in sorted(_events(day))] if "-v" in sys.argv else []
            sys.stdout.write("\n    ".join([said, *faults]) + "\n" + "".join(f"{each}\n" for each in shown))
            sys.stdout.flush()
    return int(failed)


def _kinds() -> list[bool]:
    """Return whether the days have three processes."""
    return [replicas for replicas, option in ((False, "-3"), (True, "-1")) if option not in sys.argv]


def _events(day: Day) -> Iterator[tuple[float, str]]:
    for trouble in day.weather.troubles:
        yield trouble.begins, f"   + {trouble.kind} {trouble.subject}"
        yield trouble.ends, f"   - {trouble.kind} {trouble.subject}"
    for away in day.weather.interruptions:
        yield away.begins, f"   + no {away.subject}"
        yield away.ends, f"   - no {away.subject}"
    for act in day.weather.interventions:
        yield act.at, f"   ! {act.kind} {act.subject} {act.value:g}"
    for name, begins, ends in day.weather.low_balance:
        yield begins, f"   + low balance {name}"
        yield ends, f"   - low balance {name}"
    yield from ((at, "   x kill") for at, _ in day.downtimes)
    yield from ((at, f"   $ new price {name}") for at, name in day.repriced)
    for sent, message in day.telegram.messages.items():
        to = f"reply to {message.reply_to[1]}" if message.reply_to else f"message {sent[1]}"
        said = message.text.replace("\n", " | ")[:120]
        yield day.telegram.at[sent], f"{to}, {message.edits} edits: {said}"


if __name__ == "__main__":
    sys.exit(main())
