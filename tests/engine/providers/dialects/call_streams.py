"""A check that streamed tool calls have OpenAI's own form."""

from engine.catalog.offers import Offer
from engine.chat import Chunk, Delta, ToolCallDelta
from engine.gateway.attempt_content import AttemptContent

PARIS, ROME = '{"city":"Paris"}', '{"city":"Rome"}'
PARIS_CALL = ("a", "get_weather", PARIS)


def clean(chunks: list[Chunk]) -> list[tuple[str, str, str]]:
    """Return (id, name, arguments) of each call, after a check that the deltas have OpenAI's own form."""
    found: list[list[str]] = []
    for chunk in chunks:
        for piece in chunk.tool_calls if isinstance(chunk, Delta) else ():
            if piece.position == len(found):
                assert piece.id
                assert piece.name
                found.append([piece.id, piece.name, piece.arguments])
            else:
                assert piece == ToolCallDelta(piece.position, arguments=piece.arguments)
                found[piece.position][2] += piece.arguments
    ids = [each[0] for each in found]
    assert len(set(ids)) == len(ids)
    return [(each[0], each[1], each[2]) for each in found]


def kept(chunks: list[Chunk]) -> AttemptContent:
    made = AttemptContent(Offer("p", "m"), 1, 100)
    for chunk in chunks:
        made.add(chunk)
    made.finish()
    return made
