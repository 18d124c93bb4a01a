"""A replay of traffic through Farthing's real catalog, planner, health and limits, beside rivals and an oracle."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from benchmarks.replay import report
from benchmarks.replay.cases import CASES, CaseResult, cases_json, cases_text, run_case
from benchmarks.replay.conversation_table import (
    ConversationLine,
    compare_conversations,
    conversations_json,
    conversations_text,
)
from benchmarks.replay.conversations import make_conversations
from benchmarks.replay.informed import InformedOracle
from benchmarks.replay.inputs import BadInput, Fault, Prompt, read_faults, read_prices, read_trace, seeded_faults
from benchmarks.replay.policies import (
    Farthing,
    Fixed,
    LowestListPrice,
    Oracle,
    ReplayCatalog,
    Tally,
    replay,
    replay_oracle,
)
from benchmarks.replay.world import Clock, World
from engine.catalog.catalog import Catalog
from engine.catalog.defaults import AUTO
from engine.catalog.offers import Model, Offer, Price, flat_price
from engine.catalog.price_book import PriceBook
from engine.money import exact
from engine.providers.registry import specs
from engine.tenancy import Flat

TRACE = Path(__file__).parent / "traces" / "conv.csv"
START = datetime(2026, 11, 25, 0, 50, tzinfo=UTC)  # DeepSeek's peak begins ten minutes later
GPT_4O = Offer("openai", "gpt-4o")
BLOG_ORDER = ("deepseek", "gemini", "openrouter", "openai")
DELAY_USD_PER_SECOND = Fraction("0.00001")
THINKING_PRICES = {
    "deep/thinker": flat_price("0.08", "0.25"),  # the cheapest by list prices, the second dearest by its bills
    "fast/mini": flat_price("0.10", "0.40"),
    "steady/small": flat_price("0.15", "0.60"),
    "openai/gpt-4o": flat_price("2.50", "10"),
}
THINKING_TIMES = {"deep/thinker": 8.0}  # tokens billed per visible token
MOST_OUTPUT_TOKENS = 4096
EPILOG = """\
formats:
  --trace   CSV with the columns arrival_s, input_tokens, output_tokens, in order of arrival.
  --faults  CSV with the columns provider, from_s, to_s, kind, value; or a JSON list of such objects. Kinds:
              down   connections are refused, and answers under way break off; value: seconds until a refusal (0.05)
              flaky  an attempt fails with a 503; value: its chance (0.3)
              limit  429 without Retry-After over so many requests in any 60 s; value: requests (20)
              slow   the first token comes later; value: by so many seconds (30; over 20 in all is a timeout)
              cut    an answer breaks off midway, billed up to there; value: its chance (0.3)
            and limits of other shapes, value: requests a minute (20): limit-minute (each minute of the clock),
            limit-bucket (a token bucket), limit-counted (refused requests take a place too).
            A provider may be a single offer, provider/model. Several at once on one provider all apply.
            Without --faults: once calm, once a script made from --seed.
  --prices  USD per 1M tokens for each offer that is sold in the replay, which replaces the built-in list:
            TOML as in farthing.toml ([prices."provider/model"] input, output, cached_input), JSON of the same shape,
            or CSV with the columns offer, input, output and perhaps cached_input.
  --json    one object: trace, prompts, seed, and runs: [{name, faults, policies: [{policy, usd_per_1000,
            ratio_to_oracle, ratio_to_mean_oracle, failed_percent, wasted_tries_per_1000, refused_429_percent,
            delay_p50_s, delay_p99_s, answered_by, ratio_to_second_oracle, lost_while_any_up}]}].
  --thinking  one more run, calm, over a list of its own: deep/thinker is the cheapest by its price, but bills 8 tokens
            for each visible one. Clients send max_tokens (4096).
  --cases   small markets with one fault each and the figure to reach; in JSON: cases: [{case, measure, value, most,
            lost, prompts, is_reached}].

The clock is simulated. The same prompt has the same luck at the same provider under every policy; limits count each
policy's own requests. First tokens come after about 0.5 s (lognormal), then 80 tokens a second. The oracle knows which
provider answers (outages, luck, limits) and how long answers are; the mean-oracle knows only the mean lengths. Neither
asks an offer twice; the second oracle takes the better of another offer and a second attempt at the same one.
The trace has no conversations: those of the runs above are single prompts, so nothing is ever cached.

conversations (--conversations; more keys in JSON: conversations: [{name, policies: [{policy, usd_per_1000,
ratio_to_oracle, answered_by}]}]):
  Made from the trace and the seed, since the trace has none. A conversation begins with a prompt of the trace. After
  each turn it ends with a chance of 25 % (geometric, mean 4, 30 at most). A further turn comes 6 s + about 40 s
  (lognormal, sigma 1) after the one before. Its input is the history, the answer (of the next prompt of the trace) and
  a question of about 60 tokens (lognormal, sigma 0.8). 20 tenants; no faults. An offer with a cheaper cached input has
  the previous prompt of the conversation there cached: always, or by real hits: within the provider's lifetime and from
  its least length on, at 95 % (DeepSeek), 70 % (OpenAI), 50 % (Gemini, OpenRouter, Groq), else never. The oracle knows
  each conversation's turns, lengths, gaps and the chance of a hit, and takes the cheapest sequence of offers.
"""


def main() -> int:
    args = _parser().parse_args()
    try:
        prompts = read_trace(args.trace)[: args.most]
        prices = read_prices(args.prices) if args.prices else None
        runs = _scripts(args, prompts, prices)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    parts = {name: compare(prompts, faults, prices, args.seed) for name, faults in runs.items()}
    if args.thinking:
        runs, parts = {**runs, "thinking": []}, {**parts, "thinking": compare_thinking(prompts, args.seed)}
    cases = [run_case(case, _offers, args.seed) for case in CASES] if args.cases else []
    made = make_conversations(prompts, args.seed) if args.conversations else []
    conversations = compare_conversations(made, lambda: _offers(prices), START, args.seed) if made else {}
    if args.json:
        print(json.dumps(_whole(args, len(prompts), runs, parts, conversations, cases), indent=1))
    else:
        for name, lines in parts.items():
            print(f"\n{name}: {len(prompts)} prompts of {args.trace.name}, seed {args.seed}\n{report.table(lines)}")
        if args.conversations:
            print(conversations_text(conversations, len(made)))
        if args.cases:
            print(cases_text(cases))
    if args.chart:
        report.chart(parts, args.chart)
    if args.markdown:
        text = "\n\n".join(f"### {name}\n\n{report.markdown(lines)}" for name, lines in parts.items())
        args.markdown.write_text(text + "\n", encoding="utf-8")
    return 0


def _whole(
    args: argparse.Namespace,
    prompts: int,
    runs: Mapping[str, Sequence[Fault]],
    parts: Mapping[str, Sequence[report.Line]],
    conversations: Mapping[str, Sequence[ConversationLine]],
    cases: Sequence[CaseResult],
) -> dict[str, object]:
    """Return all results as JSON."""
    shown = [
        {"name": name, "faults": len(runs[name]), "policies": report.as_json(lines)} for name, lines in parts.items()
    ]
    whole: dict[str, object] = {"trace": args.trace.name, "prompts": prompts, "seed": args.seed, "runs": shown}
    if args.conversations:
        whole["conversations"] = conversations_json(conversations)
    if args.cases:
        whole["cases"] = cases_json(cases)
    return whole


def compare(
    prompts: Sequence[Prompt], faults: Sequence[Fault], prices: dict[str, Price] | None, seed: int
) -> list[report.Line]:
    """Replay every policy over the same prompts and faults, the oracle last."""
    return _compared(prompts, World(faults, seed), lambda: _offers(prices))


def compare_thinking(prompts: Sequence[Prompt], seed: int) -> list[report.Line]:
    """Replay every policy over a price list with a model that thinks, with clients that send `max_tokens`."""

    def market() -> ReplayCatalog:
        return replace(_offers(THINKING_PRICES), thinking_times=THINKING_TIMES, most_output_tokens=MOST_OUTPUT_TOKENS)

    return _compared(prompts, World((), seed), market)


def _compared(prompts: Sequence[Prompt], world: World, market_of: Callable[[], ReplayCatalog]) -> list[report.Line]:
    mean = (_mean([p.input_tokens for p in prompts]), _mean([p.output_tokens for p in prompts]))
    oracle = _oracle_tally(market_of(), world, prompts, None)
    mean_oracle = _oracle_tally(market_of(), world, prompts, mean)
    second_oracle = _oracle_tally(market_of(), world, prompts, None, asks_twice=True)
    tallies: dict[str, Tally] = {}
    for make in (_farthing, _litellm, _blog, _gpt_4o):
        market, clock = market_of(), Clock(START)
        policy = make(market, clock)
        tallies[policy.name] = replay(policy, market, world, clock, prompts)
    tallies["oracle, informed"] = _informed_tally(market_of(), world, prompts)
    tallies["oracle, second attempts"] = second_oracle
    tallies["oracle, mean lengths"], tallies["oracle"] = mean_oracle, oracle
    return [report.line(name, tally, oracle, mean_oracle, second_oracle) for name, tally in tallies.items()]


def _oracle_tally(
    market: ReplayCatalog,
    world: World,
    prompts: Sequence[Prompt],
    mean: tuple[int, int] | None,
    *,
    asks_twice: bool = False,
) -> Tally:
    clock = Clock(START)
    return replay_oracle(Oracle(market, world, clock, mean, asks_twice=asks_twice), market, world, clock, prompts)


def _informed_tally(market: ReplayCatalog, world: World, prompts: Sequence[Prompt]) -> Tally:
    clock = Clock(START)
    return replay_oracle(InformedOracle(market, world, clock), market, world, clock, prompts)


def _farthing(market: ReplayCatalog, clock: Clock) -> Farthing:
    return Farthing(market, clock)


def _litellm(market: ReplayCatalog, clock: Clock) -> LowestListPrice:
    return LowestListPrice(market, clock)


def _blog(market: ReplayCatalog, clock: Clock) -> Fixed:  # noqa: ARG001 - the order never changes
    """Use the first offer of each of the blog's providers; of OpenAI the dearest one."""
    order = [offer for name in BLOG_ORDER for offer in market.model.offers if offer.provider == name]
    firsts = {offer.provider: offer for offer in reversed(order)}
    if GPT_4O in order:
        firsts["openai"] = GPT_4O
    return Fixed("the blog's fixed order", [firsts[name] for name in BLOG_ORDER if name in firsts])


def _gpt_4o(market: ReplayCatalog, clock: Clock) -> Fixed:  # noqa: ARG001 - the order never changes
    return Fixed("always GPT-4o", [GPT_4O])


def _offers(prices: dict[str, Price] | None) -> ReplayCatalog:
    """Return the offers of the price list, or else those of the built-in `auto` at the catalog's prices."""
    if prices is None:
        names = [name for name in (*AUTO["offers"], *AUTO["last_resort"]) if not name.startswith("local/")]
        last = frozenset(map(Offer.named, AUTO["last_resort"]))
    else:
        names, last = list(prices), frozenset()
    fees = {name: exact(spec.fee) for name, spec in specs().items() if spec.fee != "0"}
    model = Model("auto", tuple(map(Offer.named, names)), Flat(5 * 10**12), last)
    book = PriceBook(prices or {}, fees)
    return ReplayCatalog(Catalog({"auto": model}, book, lambda _: True), model, DELAY_USD_PER_SECOND)


def _scripts(
    args: argparse.Namespace, prompts: Sequence[Prompt], prices: dict[str, Price] | None
) -> dict[str, list[Fault]]:
    if args.faults:
        faults = read_faults(args.faults)
        sold = {offer.provider for offer in _offers(prices).model.offers}
        for name in sorted({fault.provider for fault in faults} - sold):
            print(f"no offer in this replay is of {name}: its faults do nothing", file=sys.stderr)
        return {args.faults.stem: faults}
    providers = list(dict.fromkeys(offer.provider for offer in _offers(prices).model.offers))
    return {"calm": [], "faults": seeded_faults(providers, prompts[-1].arrival_s, args.seed)}


def _mean(values: Sequence[int]) -> int:
    return round(sum(values) / len(values))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.routing",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--trace", type=Path, default=TRACE, metavar="FILE", help="traffic (default: traces/conv.csv)")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="a fault script")
    parser.add_argument("--prices", type=Path, metavar="FILE", help="a price list")
    parser.add_argument("--seed", type=int, default=1, help="of latencies, luck and the built-in fault script")
    parser.add_argument("--most", type=int, metavar="N", help="only the first N requests of the trace")
    parser.add_argument("--conversations", action="store_true", help="replay conversations too")
    parser.add_argument("--thinking", action="store_true", help="replay a list with a model that thinks, too")
    parser.add_argument("--cases", action="store_true", help="replay the cases with a goal, too")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--chart", type=Path, metavar="PNG", help="draw it")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables")
    return parser


if __name__ == "__main__":
    sys.exit(main())
