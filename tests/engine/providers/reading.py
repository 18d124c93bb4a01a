"""The chunks of a provider's answer, read by a test."""

from collections.abc import Sequence

from engine.chat import Chunk, Delta, TextDeltas
from engine.ports import Provider, ProviderCall


class ChunkSink:
    """Takes an answer: `chunks` that arrived, with runs split, and whether the provider accepted the request."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.batches = 0
        self.is_taken = False

    def taken(self) -> None:
        self.is_taken = True

    def add(self, chunks: Sequence[Chunk]) -> None:
        for chunk in chunks:
            if isinstance(chunk, TextDeltas):
                self.chunks += [Delta(text, chunk.index) for text in chunk.texts]
            else:
                self.chunks.append(chunk)
        self.batches += 1


async def chunks_of(provider: Provider, call: ProviderCall) -> list[Chunk]:
    """Return the chunks of a complete answer. Raises a ProviderError."""
    sink = ChunkSink()
    await provider.stream(call, sink)
    return sink.chunks
