"""A check of an answer's JSON, also against a schema, in bounded time: `pattern` and `format` are not checked."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from msgspec import structs

from engine.chat import Delta
from engine.errors import CapabilityMissing
from engine.json_limits import parsed
from engine.ports import Provider, ProviderCall
from engine.providers.mending.schemas import schema_of

WRONG_FORM = "its answer is not JSON of the requested form"

_ANY_OBJECT: Mapping[str, Any] = {"type": "object"}
_MOST_STEPS = 50_000
_MOST_DEPTH = 60
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def plain_json(text: str) -> str:
    """Return the text without the Markdown fence around it, if it has one."""
    found = text.strip()
    if not found.startswith("```") or not found.endswith("```") or "\n" not in found:
        return text
    return found[found.index("\n") + 1 : -3].strip()


def schema_to_check(provider: Provider, call: ProviderCall) -> Mapping[str, Any] | None:
    """Return the schema to check the answer against; None if no JSON is requested or the provider enforces its form.

    In JSON mode each object is valid.
    """
    if not provider.checks_schema(call):
        return None
    schema = schema_of(call.request.options)
    return _ANY_OBJECT if schema is None else schema


def checked(deltas: Sequence[Delta], schema: Mapping[str, Any], ended: Container[int]) -> list[Delta]:
    """Return the deltas of a complete answer with its JSON as plain text. Raises CapabilityMissing if it is not valid.

    `ended`: the choices that ended normally. Other choices (cut at the limit, with calls, or a refusal) stay unchanged.
    """
    found = list(deltas)
    for index in sorted({delta.index for delta in deltas}):
        places = [n for n, delta in enumerate(found) if delta.index == index and delta.text and not delta.is_refusal]
        if index not in ended or not places:
            continue
        text = "".join(found[n].text for n in places)
        plain = plain_json(text)
        if not fits(plain, schema):
            raise CapabilityMissing(WRONG_FORM)
        if plain != text:
            for n in places:
                found[n] = structs.replace(found[n], text=plain if n == places[0] else "")
    return found


def fits(text: str, schema: Mapping[str, Any]) -> bool:
    """Return whether the text is JSON that fits the schema, as far as this module checks it."""
    try:
        value = parsed(text)
    except ValueError:
        return False
    return _Check(schema).holds(value, schema, 0)


class _Check:
    """The check of one value. `root` is the complete schema, in which references are looked up."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._steps = 0

    def holds(self, value: Any, schema: Any, depth: int) -> bool:
        """Return whether `value` is valid. Returns True too if the check would take too long."""
        self._steps += 1
        if depth > _MOST_DEPTH or self._steps > _MOST_STEPS or not isinstance(schema, Mapping):
            return schema is not False
        if isinstance(schema.get("$ref"), str):
            return self.holds(value, self._target(schema["$ref"]), depth + 1)
        return (
            _has_type(value, schema.get("type"))
            and _is_listed(value, schema)
            and self._is_combined(value, schema, depth)
            and _is_within(value, schema)
            and self._is_object(value, schema, depth)
            and self._is_array(value, schema, depth)
        )

    def _target(self, reference: str) -> Any:
        found: Any = self._root
        for name in reference.removeprefix("#").strip("/").split("/"):
            if name:
                found = found.get(name.replace("~1", "/").replace("~0", "~"), True) if isinstance(found, dict) else True
        return found

    def _is_combined(self, value: Any, schema: Mapping[str, Any], depth: int) -> bool:
        def matches(name: str) -> list[bool]:
            listed = schema.get(name)
            return [self.holds(value, each, depth + 1) for each in listed] if isinstance(listed, list) else [True]

        return any(matches("anyOf")) and any(matches("oneOf")) and all(matches("allOf"))

    def _is_object(self, value: Any, schema: Mapping[str, Any], depth: int) -> bool:
        if not isinstance(value, dict):
            return True
        known = schema.get("properties")
        known = known if isinstance(known, Mapping) else {}
        required, others = schema.get("required"), schema.get("additionalProperties", True)
        if isinstance(required, list) and any(name not in value for name in required):
            return False
        if "patternProperties" in schema:
            others = True
        return all(self.holds(each, known.get(name, others), depth + 1) for name, each in value.items())

    def _is_array(self, value: Any, schema: Mapping[str, Any], depth: int) -> bool:
        if not isinstance(value, list) or "items" not in schema:
            return True
        first = schema.get("prefixItems")
        rest = value[len(first) :] if isinstance(first, list) else value
        return all(self.holds(each, schema["items"], depth + 1) for each in rest)


def _has_type(value: Any, kinds: Any) -> bool:
    listed = kinds if isinstance(kinds, list) else [kinds]
    return kinds is None or any(_is_of(value, kind) for kind in listed)


def _is_of(value: Any, kind: Any) -> bool:
    if kind == "integer":
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return is_whole and not isinstance(value, bool)
    if isinstance(value, bool):
        return bool(kind == "boolean")
    return isinstance(value, _TYPES.get(str(kind), (object,)))


def _is_listed(value: Any, schema: Mapping[str, Any]) -> bool:
    allowed = schema.get("enum")
    if isinstance(allowed, list) and not any(_same(value, each) for each in allowed):
        return False
    return "const" not in schema or _same(value, schema["const"])


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _is_within(value: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a number, or the length of a text or a list, is within its limits."""
    if isinstance(value, bool):
        return True
    if isinstance(value, int | float):
        strict = _between(value, schema, "exclusiveMinimum", "exclusiveMaximum")
        limits = (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"))
        return _between(value, schema, "minimum", "maximum") and strict and value not in limits
    if isinstance(value, str):
        return _between(len(value), schema, "minLength", "maxLength")
    return _between(len(value), schema, "minItems", "maxItems") if isinstance(value, list) else True


def _between(number: float, schema: Mapping[str, Any], least: str, most: str) -> bool:
    low, high = schema.get(least), schema.get(most)
    return not (isinstance(low, int | float) and number < low) and not (isinstance(high, int | float) and number > high)
