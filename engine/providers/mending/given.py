"""Request fields that a tenant has set to a value other than the default."""

from engine.chat import ChatRequest, Options, Role

_PLAIN = Options()
_DEFAULTS: dict[str, tuple[object, ...]] = {
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


def given_fields(options: Options) -> tuple[str, ...]:
    """Return the names of the options that are set, except those of tools and of the answer's form."""
    if options is _PLAIN or options == _PLAIN:
        return ()
    return tuple(name for name, defaults in _DEFAULTS.items() if getattr(options, name) not in defaults)


def has_names(request: ChatRequest) -> bool:
    """Return whether a message contains the name of its writer."""
    return any(message.name and message.role is not Role.TOOL for message in request.messages)
