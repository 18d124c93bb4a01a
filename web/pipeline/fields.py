"""Fields: the fields of a JSON object, checked one by one."""

from collections.abc import Mapping
from typing import Any

from engine.errors import BadRequest

MOST_LABELS, MOST_LABEL_NAME_CHARS, MOST_LABEL_CHARS = 16, 64, 512


class Fields:
    """The fields of a JSON object, checked by type and range. Absent and null are equal. Raises BadRequest."""

    def __init__(self, data: Mapping[str, Any], prefix: str = "") -> None:
        self._data, self._prefix = data, prefix

    def text(self, name: str) -> str:
        value = self._data.get(name)
        if not isinstance(value, str) or not value:
            raise self._bad(name, "a string that is not empty")
        return value

    def optional_text(self, name: str) -> str | None:
        value = self._data.get(name)
        if value is not None and not isinstance(value, str):
            raise self._bad(name, "a string")
        return value

    def integer(self, name: str, least: int, most: int) -> int | None:
        value = self._data.get(name)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():  # JSON does not distinguish 5 from 5.0
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._bad(name, f"a whole number from {least} to {most}")
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        value = self._data.get(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            raise self._bad(name, f"a number from {least} to {most}")
        return value

    def choice(self, name: str, allowed: tuple[str, ...]) -> str | None:
        value = self._data.get(name)
        if value is not None and value not in allowed:
            raise self._bad(name, f"one of {', '.join(allowed)}")
        return value

    def needed_choice(self, name: str, allowed: tuple[str, ...]) -> str:
        chosen = self.choice(name, allowed)
        if chosen is None:
            raise self._bad(name, f"one of {', '.join(allowed)}")
        return chosen

    def boolean(self, name: str) -> bool | None:
        value = self._data.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._bad(name, "true or false")
        return value

    def object(self, name: str) -> dict[str, Any] | None:
        value = self._data.get(name)
        if value is not None and not isinstance(value, dict):
            raise self._bad(name, "an object")
        return value

    def labels(self, name: str) -> dict[str, Any] | None:
        """Return an object of a few short texts, as OpenAI limits its metadata."""
        value = self.object(name) or {}
        texts = [text for text in value.values() if isinstance(text, str) and len(text) <= MOST_LABEL_CHARS]
        if not len(texts) == len(value) <= MOST_LABELS or max(map(len, value), default=0) > MOST_LABEL_NAME_CHARS:
            sizes = f"at most {MOST_LABELS} strings of at most {MOST_LABEL_CHARS} characters"
            raise self._bad(name, f"an object of {sizes}, with names of at most {MOST_LABEL_NAME_CHARS}")
        return self.object(name)

    def text_or_object(self, name: str) -> str | dict[str, Any] | None:
        value = self._data.get(name)
        if value is not None and not isinstance(value, str | dict):
            raise self._bad(name, "a string or an object")
        return value

    def text_or_list(self, name: str, most: int) -> tuple[str, ...]:
        value = self._data.get(name)
        items = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(items, list) or len(items) > most or not all(isinstance(i, str) for i in items):
            raise self._bad(name, f"a string or a list of at most {most}")
        return tuple(items)

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        if isinstance(self._data.get(name), str):
            raise self._bad(name, f"a list of at most {most} strings")
        return self.text_or_list(name, most)

    def list_of_objects(self, name: str, *, least: int = 0, most: int) -> list[dict[str, Any]]:
        value = self._data.get(name)
        items = [] if value is None else value
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._bad(name, "a list of objects")
        if not least <= len(items) <= most:
            raise self._bad(name, f"a list of {least} to {most} objects")
        return items

    def _bad(self, name: str, expected: str) -> BadRequest:
        return BadRequest(f"{self._prefix}.{name}" if self._prefix else name, f"must be {expected}")
