"""POST /v1/completions: the family of OpenAI's text completions, answered by chat models."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from starlette.responses import Response

from engine.chat import ChatRequest, Delta, Event, Finished, Options, Role, says
from engine.completion import Choice, Completion
from engine.errors import BadRequest
from engine.tenancy import Charge
from web.errors import HttpProblem
from web.openai.chat_request import MOST_CHOICES, MOST_STOPS, model_name, wants_stream, wants_usage
from web.openai.chat_response import dumps, farthing_json, sendable, usage_json
from web.pipeline.family import Family, FamilyRequest, Origin, StreamEncoder, sse
from web.pipeline.fields import Fields

MOST_PROMPTS, MOST_BEST_OF, MOST_LOGPROBS = 20, 20, 5


class TextFamily(Family):
    """Text completions in OpenAI's shape."""

    async def read(self, body: Mapping[str, Any], origin: Origin) -> FamilyRequest:
        return TextCompletionsRequest(body, origin)

    def problem(self, problem: HttpProblem, request_id: str) -> Response:  # noqa: ARG002 - not in this shape
        return problem.response()


class TextCompletionsRequest(FamilyRequest):
    """One request for text completions: each prompt becomes a user's message.

    Raises UnknownModel, and BadRequest that names the wrong field.
    """

    def __init__(self, body: Mapping[str, Any], origin: Origin) -> None:
        fields, prompts = Fields(body), _prompts(body.get("prompt"))
        self.chat = ChatRequest(
            id=origin.request_id,
            model=model_name(fields),
            messages=(says(Role.USER, prompts[0]),),
            max_output_tokens=fields.integer("max_tokens", 1, 10**7),
            n=fields.integer("n", 1, MOST_CHOICES) or 1,
            options=_options(fields),
            key_id=origin.caller.key_id,
        )
        self.more = tuple(
            replace(self.chat, id=f"{origin.request_id}.{n}", messages=(says(Role.USER, prompt),))
            for n, prompt in enumerate(prompts[1:], 1)
        )
        self.stream, self._with_usage = wants_stream(body), wants_usage(body)
        self._head = {"id": f"cmpl-{origin.request_id}", "object": "text_completion", "created": origin.created}
        self._echoes = prompts if fields.boolean("echo") else ()
        self.ignored = _ignored(fields, self.chat.n)

    def whole(self, completion: Completion, charge: Charge) -> bytes:
        choices = [
            _choice(n, self._echo(n) + _text(choice), _finish(choice)) for n, choice in enumerate(completion.choices)
        ]
        body = {**self._head, "model": completion.model, "choices": choices}
        usage = usage_json(completion.usage, charge)
        return sendable({**body, "usage": usage, "farthing": self.farthing(completion)})

    def encoder(self) -> StreamEncoder:
        number = (1 + len(self.more)) * self.chat.n
        echoes = [self._echo(n) for n in range(number)] if self._echoes else []
        return TextEncoder(self, self._head, echoes, with_usage=self._with_usage)

    def _echo(self, number: int) -> str:
        """Return the prompt of a choice if the request wants it repeated."""
        return self._echoes[number // self.chat.n] if self._echoes else ""

    def farthing(self, completion: Completion) -> dict[str, Any]:
        """Return the provider and model that answered, and the fields that were ignored by the provider or here."""
        found = farthing_json(completion)
        return {**found, "ignored": [*self.ignored, *found["ignored"]]}


class TextEncoder(StreamEncoder):
    """Encodes a stream of text completions. The ends of choices are sent only after the answer was charged."""

    def __init__(
        self, asked: TextCompletionsRequest, head: Mapping[str, Any], echoes: Sequence[str], *, with_usage: bool
    ) -> None:
        self._asked, self._head, self._echoes, self._with_usage = asked, dict(head), echoes, with_usage
        self._ends: list[Finished] = []

    def begin(self, provider: str, model: str) -> bytes:  # noqa: ARG002 - in OpenAI's shape the model is enough
        self._head["model"] = model
        return b"".join(self._chunk({"choices": [_choice(n, echo, None)]}) for n, echo in enumerate(self._echoes))

    def event(self, event: Event) -> bytes:
        if isinstance(event, Finished):
            self._ends.append(event)
        elif isinstance(event, Delta) and event.text:
            return self._chunk({"choices": [_choice(event.index, event.text, None)]})
        return b""

    def end(self, completion: Completion, charge: Charge) -> bytes:
        self._head["model"] = completion.model
        chunks: list[dict[str, Any]] = [{"choices": [_choice(e.index, "", e.finish.value)]} for e in self._ends]
        if self._with_usage:
            chunks.append({"choices": [], "usage": usage_json(completion.usage, charge)})
        if chunks:
            chunks[-1]["farthing"] = self._asked.farthing(completion)
        return b"".join(self._chunk(chunk) for chunk in chunks) + sse("[DONE]")

    def error(self, problem: HttpProblem) -> bytes:
        return sse(dumps(problem.body()))

    def _chunk(self, body: Mapping[str, Any]) -> bytes:
        return sse(dumps({**self._head, **body}))


def _choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def _text(choice: Choice) -> str:
    return choice.text or choice.refusal


def _finish(choice: Choice) -> str | None:
    return choice.finish.value if choice.finish else None


def _prompts(found: Any) -> list[str]:
    """Return the texts to complete. Raises BadRequest, also for token ids, which differ between providers."""
    prompts = found if isinstance(found, list) else [found]
    if any(isinstance(each, int | float | list) for each in prompts):
        raise BadRequest("prompt", "must be text: token ids are not accepted, because each provider has its own")
    if not prompts or not all(isinstance(each, str) and each for each in prompts):
        raise BadRequest("prompt", "must be a text that is not empty, or a list of such texts")
    if len(prompts) > MOST_PROMPTS:
        raise BadRequest("prompt", f"must be at most {MOST_PROMPTS} texts")
    return prompts


def _options(fields: Fields) -> Options:
    return Options(
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        stop=fields.text_or_list("stop", MOST_STOPS),
        seed=fields.integer("seed", -(2**63), 2**63 - 1),
        frequency_penalty=fields.number("frequency_penalty", -2, 2),
        presence_penalty=fields.number("presence_penalty", -2, 2),
        logit_bias=fields.object("logit_bias"),
    )


def _ignored(fields: Fields, n: int) -> tuple[str, ...]:
    """Return the fields of a text completion that no chat model supports. Raises BadRequest for invalid values."""
    asked = {
        "suffix": bool(fields.optional_text("suffix")),
        "best_of": (fields.integer("best_of", 1, MOST_BEST_OF) or n) != n,
        "logprobs": fields.integer("logprobs", 0, MOST_LOGPROBS) is not None,
    }
    return tuple(name for name, is_asked in asked.items() if is_asked)
