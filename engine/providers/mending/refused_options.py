"""Options that a request sets, and those that a model refuses: they are left out, and named to the client."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import fields, replace

from engine.chat import ChatRequest, Options, Role
from engine.errors import CapabilityMissing, ProviderError
from engine.ports import ProviderCall

MOST_MODELS = 1024
REMEMBERED_SECONDS = 3600.0
MOST_VALUES = 64  # of one model
_MOST_VALUE_CHARS = 200
_LEFT_OUT = frozenset(
    {
        "temperature",
        "top_p",
        "stop",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "parallel_tool_calls",
        "reasoning_effort",
        "logprobs",
        "top_logprobs",
        "logit_bias",
    }
)
"""Options that may be left out: the answer still fits the request. Tools and the answer's format may not."""
_NAMES = {"random_seed": "seed", "thinking": "reasoning_effort", "reasoning": "reasoning_effort", "topP": "top_p"}
_DEFAULTS: Mapping[str, Any] = {each.name: each.default for each in fields(Options)}

_PLAIN = Options()
_UNSET: dict[str, tuple[object, ...]] = {
    "temperature": (None, 1),
    "top_p": (None, 1),
    "stop": ((),),
    "seed": (None,),
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "parallel_tool_calls": (None, True),
    "reasoning_effort": (None,),
    "logprobs": (None, False),
    "top_logprobs": (None,),
    "logit_bias": (None, {}),
}


@dataclass(slots=True)
class RefusedOptions:
    """The refused options of each model, by their values: a value that one tenant chose says nothing about others.

    Each is forgotten after an hour.
    """

    clock: Callable[[], float] = time.monotonic
    _by_model: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)

    def within(self, call: ProviderCall) -> tuple[str, ...]:
        """Return the names of the options of `call` that its model is known to refuse."""
        known = self._by_model.get(call.model)
        if known is None:
            return ()
        now, options = self.clock(), call.request.options
        return tuple(name for (name, value), until in known.items() if now < until and _shown(name, options) == value)

    def remember(self, call: ProviderCall, names: frozenset[str]) -> None:
        """Remember that the model refused these options of `call`, and took the request without them."""
        if call.model not in self._by_model and len(self._by_model) >= MOST_MODELS:
            del self._by_model[next(iter(self._by_model))]
        known, now = self._by_model.setdefault(call.model, {}), self.clock()
        for name in names:
            option = name, _shown(name, call.request.options)
            if known.get(option, now) <= now:  # leaving it out again does not prove that it is still refused
                known[option] = now + REMEMBERED_SECONDS
            if len(known) > MOST_VALUES:
                del known[next(iter(known))]


def refused_option(call: ProviderCall, error: ProviderError) -> str:
    """Return the option of `call` that an error refuses; empty if it refuses none that can be left out."""
    if not isinstance(error, CapabilityMissing):
        return ""
    name = error.field.rpartition(".")[2] if error.field.startswith(("body.", "generation")) else error.field
    name = _NAMES.get(name, name)
    has_it = name in _LEFT_OUT and getattr(call.request.options, name) != _DEFAULTS[name]
    return name if has_it else ""


def without(call: ProviderCall, names: frozenset[str]) -> ProviderCall:
    """Return the call without these options."""
    if not names:
        return call
    options = replace(call.request.options, **{name: _DEFAULTS[name] for name in names})
    return replace(call, request=replace(call.request, options=options))


def _shown(name: str, options: Options) -> str:
    """Return an option's value as text, with the other options that a model may refuse it beside.

    Claude refuses top_p beside a temperature, and a temperature beside reasoning; OpenAI refuses parallel_tool_calls
    without tools.
    """
    beside_temperature = name == "top_p" and options.temperature is not None
    beside = (beside_temperature, options.reasoning_effort, bool(options.tools), options.wants_json)
    return f"{beside} {getattr(options, name)!r}"[:_MOST_VALUE_CHARS]


def given_fields(options: Options) -> tuple[str, ...]:
    """Return the names of the options that are set, except those of tools and of the answer's form."""
    if options is _PLAIN or options == _PLAIN:
        return ()
    return tuple(name for name, defaults in _UNSET.items() if getattr(options, name) not in defaults)


def has_names(request: ChatRequest) -> bool:
    """Return whether a message contains the name of its writer."""
    return any(message.name and message.role is not Role.TOOL for message in request.messages)
