"""ThinkingHabits: which models of a provider begin their answers with reasoning that only a closing tag ends."""

import re
from dataclasses import dataclass, field

from engine.catalog.thinking import is_thinking_model

_MOST_MODELS = 1024
_LIKELY = re.compile(r"(?:^|[^a-z])r1(?:$|[^0-9])|qwen-?3|think|reason|nemotron|smollm-?3|exaone-deep|deepscaler")


@dataclass(slots=True)
class ThinkingHabits:
    """Chat templates put the opening tag into the prompt, so that a stream doesn't show its reasoning before its end.

    `is_self_hosted`: a server that an operator runs, where nothing may have split the reasoning from the answer. There
    a model of a likely name is expected to think so, until one of its answers shows otherwise.
    """

    is_self_hosted: bool
    _seen: dict[str, bool] = field(default_factory=dict)

    def is_expected(self, model: str) -> bool:
        """Return whether the next answer of `model` is likely to begin so."""
        name = model.lower()
        likely = self.is_self_hosted and (_LIKELY.search(name) is not None or is_thinking_model(name))
        return self._seen.get(model, likely)

    def observe(self, model: str, *, unopened: bool) -> None:
        """Record how an answer of `model` began."""
        if model not in self._seen and len(self._seen) >= _MOST_MODELS:
            del self._seen[next(iter(self._seen))]
        self._seen[model] = unopened
