"""The report of a replay: cost, failures, waste and delay compared with the oracle, as a table, JSON or a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.replay.policies import ATTO_PER_USD, Tally

WIDTH, ROW, LEFT, SCALE = 900, 34, 250, 2
INK, FAINT, BACKGROUND, BAR, OURS = "#1c2733", "#e4e9ee", "#ffffff", "#9fb3c8", "#2a9df4"


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one policy. Ratios cover the prompts that both the policy and the oracle answered.

    The second oracle may ask an offer twice. `lost_while_any_up`: prompts without an answer that the oracle answered.
    """

    policy: str
    usd_per_1000: float
    ratio_to_oracle: float
    ratio_to_mean_oracle: float
    failed_percent: float
    wasted_tries_per_1000: float
    refused_429_percent: float
    delay_p50_s: float
    delay_p99_s: float
    answered_by: Mapping[str, int]
    ratio_to_second_oracle: float = 1.0
    lost_while_any_up: int = 0


def line(name: str, tally: Tally, oracle: Tally, mean_oracle: Tally, second_oracle: Tally | None = None) -> Line:
    prompts = len(tally.costs)
    answered = [cost for cost in tally.costs.values() if cost is not None]
    refusals = sum(len(times) for times in tally.refusals.values())
    delays = sorted(tally.delays_s) or [0.0]
    return Line(
        name,
        sum(answered) / ATTO_PER_USD / max(1, len(answered)) * 1000,
        ratio(tally, oracle),
        ratio(tally, mean_oracle),
        100 * (prompts - len(answered)) / prompts,
        1000 * tally.wasted_attempts / prompts,
        100 * refusals / max(1, tally.attempts),
        delays[len(delays) // 2],
        delays[int(len(delays) * 0.99)],
        dict(sorted(tally.by_offer.items(), key=lambda item: -item[1])),
        1.0 if second_oracle is None else ratio(tally, second_oracle),
        sum(cost is None and oracle.costs[number] is not None for number, cost in tally.costs.items()),
    )


def ratio(tally: Tally, oracle: Tally) -> float:
    both = [n for n, cost in tally.costs.items() if cost is not None and oracle.costs[n] is not None]
    own = sum(tally.costs[n] or 0 for n in both)
    best = sum(oracle.costs[n] or 0 for n in both)
    return own / best if best else 1.0


def as_json(lines: Sequence[Line]) -> list[dict[str, object]]:
    return [asdict(each) for each in lines]


def table(lines: Sequence[Line]) -> str:
    head = (
        "policy                    $/1,000   x oracle  x mean-oracle  failed %  wasted/1,000  429 %  delay p50   p99 s"
        "  x 2nd oracle  lost"
    )
    rows = [
        f"{each.policy:24} {each.usd_per_1000:8.4f} {each.ratio_to_oracle:9.3f} {each.ratio_to_mean_oracle:12.3f}"
        f" {each.failed_percent:11.2f} {each.wasted_tries_per_1000:11.1f} {each.refused_429_percent:8.2f}"
        f" {each.delay_p50_s:9.2f} {each.delay_p99_s:8.2f}"
        f" {each.ratio_to_second_oracle:13.3f} {each.lost_while_any_up:5}"
        for each in lines
    ]
    return "\n".join([head, *rows])


def markdown(lines: Sequence[Line]) -> str:
    names = (
        "policy",
        "$ per 1,000",
        "ratio to oracle",
        "to the second",
        "failed %",
        "wasted attempts per 1,000",
        "added delay p50 / p99",
    )
    head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}"
    rows = [
        f"| {each.policy} | {each.usd_per_1000:.4f} | {each.ratio_to_oracle:.3f} | {each.ratio_to_second_oracle:.3f} |"
        f" {each.failed_percent:.2f} |"
        f" {each.wasted_tries_per_1000:.1f} | {each.delay_p50_s:.2f} / {each.delay_p99_s:.2f} s |"
        for each in lines
    ]
    return "\n".join([head, *rows])


def chart(parts: Mapping[str, Sequence[Line]], path: Path) -> None:
    """Draw dollars per 1,000 prompts as bars, one block per part."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - only if a picture is wanted

    rows = sum(len(lines) + 2 for lines in parts.values())
    picture = Image.new("RGB", (WIDTH * SCALE, (rows * ROW + 20) * SCALE), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    small, title = ImageFont.load_default(13 * SCALE), ImageFont.load_default(16 * SCALE)
    y = 12
    for name, lines in parts.items():
        draw.text((20 * SCALE, y * SCALE), f"{name}: USD per 1,000 prompts", INK, font=title)
        y += ROW
        usual = sorted(each.usd_per_1000 for each in lines)[-2] * 1.15
        for each in lines:
            share = min(1.0, each.usd_per_1000 / usual)
            end = LEFT + share * (WIDTH - LEFT - 270)
            colour = OURS if each.policy == "Farthing" else BAR
            draw.text(((LEFT - 12) * SCALE, (y + 12) * SCALE), each.policy, INK, font=small, anchor="rm")
            draw.rectangle([LEFT * SCALE, (y + 2) * SCALE, end * SCALE, (y + 22) * SCALE], colour)
            over = " …" if each.usd_per_1000 > usual else ""
            said = f"{each.usd_per_1000:.3f}{over}  · {each.failed_percent:.1f} % failed"
            draw.text(((end + 8) * SCALE, (y + 12) * SCALE), said, INK, font=small, anchor="lm")
            y += ROW
        y += ROW
    picture.save(path, "PNG", optimize=True)
