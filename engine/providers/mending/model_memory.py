"""ModelMemory: the parts of requests that models refuse: they are left out, and the request repeated."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec.structs import replace

from engine.errors import ContextTooLong, ProviderError
from engine.ports import ProviderCall
from engine.providers.mending.refused_options import RefusedOptions, refused_option, without
from engine.providers.own_fields import OF_ONE_REQUEST, refused_field

MOST_MODELS = 1024  # upper bound of the models that are remembered
MOST_REPEATS = 12  # of one call
_NOTHING = frozenset[str]()
_V = TypeVar("_V")


@dataclass(slots=True)
class ModelMemory:
    """By model: fields of our own, options of tenants at their values, and the largest output limit."""

    fields: dict[str, frozenset[str]] = field(default_factory=dict)
    options: RefusedOptions = field(default_factory=RefusedOptions)
    output_tokens: dict[str, int] = field(default_factory=dict)

    def trial(self, call: ProviderCall) -> "Trial":
        """Return the first trial of a call: without the parts that its model is known to refuse."""
        model = call.model
        options, fields = frozenset(self.options.within(call)), self.fields.get(model, _NOTHING)
        return Trial(self, call, fields, options, self.output_tokens.get(model))


@dataclass(slots=True)
class Trial:
    """One call, tried until its model accepts it.

    `fields` and `options` are left out, `most_tokens` limits the output.
    """

    memory: ModelMemory
    asked: ProviderCall
    fields: frozenset[str]
    options: frozenset[str]
    most_tokens: int | None = None
    _is_of_prompt: bool = False
    _left: int = MOST_REPEATS

    @property
    def call(self) -> ProviderCall:
        """The call as it is sent, but for the fields."""
        call = without(self.asked, self.options)
        if self.most_tokens is None or self.most_tokens >= call.output_tokens:
            return call
        return replace(call, output_tokens=self.most_tokens)

    def changes(self, error: ProviderError, own_fields: Callable[[ProviderCall], frozenset[str]]) -> bool:
        """Return whether a refusal changes the call, so that it is to be repeated."""
        sent = self.call
        self._left -= 1
        if self._left < 0:
            return False
        is_of_prompt = isinstance(error, ContextTooLong)
        if 0 < error.most_output_tokens < sent.output_tokens:
            self.most_tokens, self._is_of_prompt = error.most_output_tokens, is_of_prompt
            return True
        if is_of_prompt:
            return False
        if option := refused_option(sent, error):
            self.options |= {option}
            return True
        name = refused_field(own_fields(sent), error.field)
        if not name or name in self.fields:
            return False
        self.fields |= {name}
        return True

    def remember(self) -> None:
        """Remember the changes: the model has accepted the call with them."""
        model = self.asked.model
        if self.options:
            self.memory.options.remember(self.asked, self.options)
        if lasting := self.fields - OF_ONE_REQUEST:
            _put(self.memory.fields, model, lasting)
        if self.most_tokens is not None and not self._is_of_prompt:
            _put(self.memory.output_tokens, model, self.most_tokens)


def _put(known: dict[str, _V], model: str, value: _V) -> None:
    if len(known) >= MOST_MODELS and model not in known:
        del known[next(iter(known))]
    known[model] = value
