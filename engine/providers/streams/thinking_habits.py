"""ThinkingHabits: which models begin their answers with reasoning that has a closing tag but no opening one."""

import re
from dataclasses import dataclass, field

from engine.catalog.thinking import is_thinking_model

_MOST_MODELS = 1024
_LIKELY = re.compile(r"(?:^|[^a-z])r1(?:$|[^0-9])|qwen-?3|think|reason|nemotron|smollm-?3|exaone-deep|deepscaler")


@dataclass(slots=True)
class ThinkingHabits:
    """Remembers models whose chat template puts the opening tag into the prompt: streams of their reasoning have none.

    `is_self_hosted`: an operator's server, which may not separate reasoning from the answer. There, a model whose name
    suggests it is expected to think until one of its answers shows otherwise.
    """

    is_self_hosted: bool
    _seen: dict[str, bool] = field(default_factory=dict)

    def is_expected(self, model: str) -> bool:
        """Return whether the next answer of `model` probably begins with such reasoning."""
        name = model.lower()
        likely = self.is_self_hosted and (_LIKELY.search(name) is not None or is_thinking_model(name))
        return self._seen.get(model, likely)

    def observe(self, model: str, *, unopened: bool) -> None:
        """Record whether an answer of `model` began with such reasoning."""
        if model not in self._seen and len(self._seen) >= _MOST_MODELS:
            del self._seen[next(iter(self._seen))]
        self._seen[model] = unopened
