"""Answers that a model's markup is left in, and what is read from them."""

import json
import random

from engine.chat import ChatRequest, Chunk, Delta, Finish, Finished, Options, Role, TextDeltas, Tool, says
from engine.providers.leaks.markup_leaks import MarkupLeaks

WEATHER = Tool(
    "get_weather",
    parameters={"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
)
NOW = Tool("now", parameters={"type": "object", "properties": {}})


def request(*, tools: bool = False, question: str = "Hello") -> ChatRequest:
    options = Options(tools=(WEATHER, NOW) if tools else ())
    return ChatRequest("r", "m", (says(Role.USER, question),), options=options)


def read(asked: ChatRequest, pieces: list[str], finish: Finish = Finish.STOP) -> tuple[str, list[tuple[str, object]]]:
    """Return text and tool calls of an answer that arrives in `pieces`."""
    leaks, found = MarkupLeaks(asked), list[Chunk]()
    for number, piece in enumerate(pieces):
        found += leaks.cleaned([Delta(piece)] if number % 2 else [TextDeltas(list(piece))])
    found += leaks.cleaned([Finished(finish)], final=True)
    deltas = [Delta("".join(each.texts)) if isinstance(each, TextDeltas) else each for each in found]
    contents = [each for each in deltas if isinstance(each, Delta)]
    calls = [(call.name, json.loads(call.arguments)) for each in contents for call in each.tool_calls]
    return "".join([each.text for each in contents]), calls


def splits(text: str) -> list[list[str]]:
    chance = random.Random(text)
    found = [[text], list(text)]
    for _ in range(12):
        cuts = sorted(chance.sample(range(1, len(text)), min(len(text) - 1, chance.randint(1, 6))))
        found.append([text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)])
    return found
