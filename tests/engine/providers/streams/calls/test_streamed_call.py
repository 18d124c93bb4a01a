"""Tool calls that are sent again and again, or twice: one call, two, or none that could be wrong."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from engine.chat import Finish
from engine.errors import Garbled
from engine.providers.streams.calls.streamed_call import CallPiece, StreamedCall
from tests.engine.providers.shapes.chunks import call, calling, choice, counted, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Outcome, Shape, outcome_of

PARIS, ROME = '{"city":"Paris"}', '{"city":"Rome"}'
END = (choice("tool_calls"), counted())


def weather(arguments: Any, id: str | None = "a", index: int | None = 0, name: str | None = "f") -> dict[str, Any]:  # noqa: A002
    return calling(call(name, arguments, **{k: v for k, v in (("id", id), ("index", index)) if v is not None}))


def twice(*frames: Any) -> list[Any]:
    return [frame for frame in frames for _ in range(2)]


async def outcomes(frames: Sequence[Any]) -> Outcome:
    """Return the outcome, which must be the same for each width of the reads; ids that we made are `?`."""
    found = {repr(_plain(await outcome_of(Shape("", stream(*frames, *END), Answer()), width))) for width in WIDTHS}
    assert len(found) == 1
    return _plain(await outcome_of(Shape("", stream(*frames, *END), Answer())))


def _plain(outcome: Outcome) -> Outcome:
    if isinstance(outcome, type):
        return outcome
    calls = tuple((id_ if len(id_) == 1 else "?", name, arguments) for id_, name, arguments in outcome.calls)
    return Answer(outcome.text, outcome.finish, calls=calls)


def answer(*calls: tuple[str, str]) -> Answer:
    return Answer(finish=Finish.TOOL_CALLS, calls=tuple((id_, "f", arguments) for id_, arguments in calls))


ONE = answer(("a", PARIS))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([weather({"city": "Pa"}), weather({"city": "Paris"})], ONE),
        ([weather({"city": ""}), weather({"city": "P"}, name=None), weather({"city": "Paris"}, None, name=None)], ONE),
        ([weather('{"city":"Pa"}'), weather(PARIS)], ONE),
        ([weather({}), weather({"city": None}), weather({"city": "Paris"})], ONE),
        ([weather({"city": "Paris"}), weather('{"city": "Paris"}')], ONE),
        (twice(weather(PARIS)), ONE),
        (twice(weather(PARIS, None)), answer(("?", PARIS))),
        (twice(weather(PARIS, None, None)), answer(("?", PARIS))),
        (twice(weather(""), weather('{"city":'), weather('"Paris"}')), Garbled),
        (twice(weather(""), weather('{"city'), weather('":"Paris"}')), Garbled),
        (twice(*map(weather, '{"k0":{}}')), Garbled),
        ([weather('{"a":'), weather("null"), weather("}")], answer(("a", '{"a":null}'))),
        ([weather("null"), weather(PARIS[:8]), weather(PARIS[8:])], ONE),
        ([weather("null")], answer(("a", "{}"))),
        (twice(weather("{", None), weather("}", None)), Garbled),
        ([weather(PARIS, None), weather("}", None)], answer(("?", PARIS))),
        ([weather(PARIS, None), weather(json.dumps(ROME), None)], answer(("?", PARIS), ("?", ROME))),
        ([weather(PARIS), weather(PARIS, "b", 1)], answer(("a", PARIS), ("b", PARIS))),
        ([weather(PARIS), weather(PARIS, None, 1)], answer(("a", PARIS), ("?", PARIS))),
        ([weather(PARIS, "b"), weather(PARIS, "a")], answer(("b", PARIS), ("a", PARIS))),
        ([weather(PARIS), weather(ROME)], answer(("a", PARIS), ("?", ROME))),
        ([weather(PARIS + ROME)], Garbled),
        ([weather(PARIS), weather(ROME, name=None)], Garbled),
        ([weather(PARIS), weather('{"city":', name=None), weather('"Rome"}', name=None)], Garbled),
        ([weather(PARIS), weather(', "day":1}', name=None)], Garbled),
        ([weather(PARIS * 40)], Garbled),
        ([weather({"city": "Pa"}, None), weather({"city": "Paris"}, None)], Garbled),
        (
            [weather({"city": "Pa"}), weather({"city": "Ro"}, "b", 1), weather(PARIS), weather(ROME, "b", 1)],
            Garbled,
        ),
        (twice(weather('{"a":1,'), weather('"city":"x'), weather('yz",'), weather('"day":"'), weather('m"}')), Garbled),
        ([weather("city"), weather('":'), weather('"Paris"}')], ONE),
        ([weather('"city":"Paris"}')], ONE),
        ([weather([{"city": "Paris"}])], ONE),
        ([weather("["), weather(PARIS), weather("]")], ONE),
        ([weather(f"[{PARIS},{ROME}]")], answer(("a", f"[{PARIS},{ROME}]"))),
        ([weather('"city"'), weather(':"Paris"}')], Garbled),
        ([weather(PARIS + "}]\n```")], ONE),
        ([weather(PARIS + " ,")], ONE),
        ([weather(PARIS + " and more")], ONE),
    ],
)  # fmt: skip
async def test_call_is_never_sold_with_arguments_that_may_be_wrong(frames: list[Any], expected: Outcome) -> None:
    assert await outcomes(frames) == expected


def custom(index: int = 0, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = {name: fields.pop(name) for name in ("id", "type") if name in fields}
    return calling({"index": index, **found, "custom": fields})


async def test_input_of_a_custom_tool_is_the_only_property_of_an_object() -> None:
    text = 'a "b"\n\\ é\u2028{"c"'
    pieces = [custom(id="a", type="custom", name="f", input=""), *(custom(input=sign) for sign in text)]
    empty = custom(1, id="b", type="custom", name="f", input="")
    found = await outcomes([*pieces, empty])
    assert found == answer(
        ("a", json.dumps({"input": text}, ensure_ascii=False, separators=(",", ":"))), ("b", '{"input":""}')
    )
    whole = {"tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "f", "input": text}}]}
    body = json.dumps({"choices": [{"message": whole, "finish_reason": "tool_calls"}]})
    told = await outcome_of(Shape("", body, Answer(), content_type="application/json"))
    assert isinstance(told, Answer)
    assert [json.loads(arguments) for _, _, arguments in told.calls] == [{"input": text}]


def test_call_is_held_until_more_of_it_may_not_come() -> None:
    found = StreamedCall()
    found.take(CallPiece(0, "c", "f", '{"a":'))
    assert not found.is_held
    found.take(CallPiece(0, "", "", "1}"))
    assert not found.is_held
    whole = StreamedCall()
    whole.take(CallPiece(0, "c", "f", '{"a":1}'))
    assert whole.is_held
    assert whole.pull(final=False) == '{"a":1}'
