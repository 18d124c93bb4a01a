"""ModelMemory: the parts of requests that models refuse: they are left out, and the request repeated."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec.structs import replace

from engine.errors import ContextTooLong, ProviderError
from engine.ports import ProviderCall
from engine.providers.mending.refused_options import REMEMBERED_SECONDS, RefusedOptions, refused_option, without
from engine.providers.own_fields import OF_ONE_REQUEST, refused_field

MOST_MODELS = 1024  # upper bound of the models that are remembered
MOST_REPEATS = 12  # of one call
_NOTHING = frozenset[str]()
_V = TypeVar("_V")


@dataclass(slots=True)
class ModelMemory:
    """By model: fields of our own, options of tenants at their values, and the largest output limit.

    All is forgotten after an hour: resellers have several servers, and limits are raised.
    """

    clock: Callable[[], float] = time.monotonic
    fields: dict[str, tuple[frozenset[str], float]] = field(default_factory=dict)
    options: RefusedOptions = field(init=False)
    output_tokens: dict[str, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.options = RefusedOptions(self.clock)

    def trial(self, call: ProviderCall) -> "Trial":
        """Return the first trial of a call: without the parts that its model is known to refuse."""
        model = call.model
        options, fields = frozenset(self.options.within(call)), self._known(self.fields, model)
        return Trial(self, call, fields or _NOTHING, options, self._known(self.output_tokens, model))

    def _known(self, known: Mapping[str, tuple[_V, float]], model: str) -> _V | None:
        found = known.get(model)
        return found[0] if found is not None and self.clock() < found[1] else None

    def put(self, known: dict[str, tuple[_V, float]], model: str, value: _V) -> None:
        """Remember a value. One that is known already keeps its end: using it does not prove that it still holds."""
        if self._known(known, model) == value:
            return
        if len(known) >= MOST_MODELS and model not in known:
            del known[next(iter(known))]
        known[model] = (value, self.clock() + REMEMBERED_SECONDS)


@dataclass(slots=True)
class Trial:
    """One call, tried until its model accepts it.

    `fields` and `options` are left out, `most_tokens` limits the output.
    """

    memory: ModelMemory
    asked: ProviderCall
    fields: frozenset[str] = _NOTHING
    options: frozenset[str] = _NOTHING
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
            self.memory.put(self.memory.fields, model, lasting)
        if self.most_tokens is not None and not self._is_of_prompt:
            self.memory.put(self.memory.output_tokens, model, self.most_tokens)
