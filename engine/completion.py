"""The answer that was kept: its choices, usage and events."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from engine.chat import ChatRequest, Delta, Finish, Finished, ToolCall, Usage


class Choice(Struct, frozen=True):
    """One choice of an answer.

    `refusal` is the text of a refusal, kept apart from `text`; `logprobs` as in OpenAI's API.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish: Finish | None = None
    thinking: str = ""
    thinking_signature: str = ""
    refusal: str = ""
    logprobs: Mapping[str, object] | None = None


class Completion(Struct, frozen=True):
    """The answer that was kept. A choice's `finish` is None if the reader stopped it.

    `events` are those that the reader received. `ignored`: fields of the request that the offer's dialect could not
    express, or that the provider ignored.
    """

    provider: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage
    stopped: bool = False
    events: tuple[Delta | Finished, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text of the first choice, or the text of its refusal."""
        return (self.choices[0].text or self.choices[0].refusal) if self.choices else ""


def unmet_fields(request: ChatRequest, choices: Sequence[Choice]) -> Iterator[str]:
    """Yield the fields of the request that an answer shows to have been ignored; nothing if its reader stopped it."""
    if any(choice.finish is None for choice in choices):
        return
    if len(choices) < request.n:
        yield "n"
    has_text = any(choice.text for choice in choices)
    if request.options.logprobs and has_text and all(choice.logprobs is None for choice in choices):
        yield "logprobs"
