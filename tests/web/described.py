"""A check of the answers that tests get against /openapi.json: status, headers and body."""

import re
from typing import Any

import httpx
import jsonschema_rs

_JSON = "application/json"


class Described:
    """The OpenAPI document of one served app. An answer that it does not describe fails the test that got it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document["components"]
        self._plain: dict[str, Any] = {path: found for path, found in document["paths"].items() if "{" not in path}
        with_names = {path: found for path, found in document["paths"].items() if "{" in path}
        self._patterns = [
            (re.compile(re.sub(r"\\{[^}]*\\}", name, re.escape(path))), found)
            for name in ("[^/]+", ".+")  # a model's name may have slashes
            for path, found in with_names.items()
        ]
        self._validators: dict[str, Any] = {}

    async def check(self, response: httpx.Response) -> None:
        """Raise AssertionError if the answer of a described call differs from its description."""
        request = response.request
        method, path = request.method, request.url.path
        operation = self._operation(path.rstrip("/") or path, "get" if method == "HEAD" else method.lower())
        if operation is None:
            return
        called = f"{method} {path}: {response.status_code}"
        described = operation["responses"].get(str(response.status_code))
        assert described is not None, f"{called} is not described"
        for name, header in described.get("headers", {}).items():
            assert not header.get("required") or name in response.headers, f"{called} is without {name}"
        if method != "HEAD" and response.status_code != httpx.codes.NO_CONTENT:
            await self._check_body(response, described.get("content", {}), called)

    async def _check_body(self, response: httpx.Response, content: dict[str, Any], called: str) -> None:
        kind = response.headers.get("content-type", "").partition(";")[0]
        assert kind in content, f"{called} has the content type {kind!r}, not one of {sorted(content)}"
        schema = content[kind].get("schema")
        if kind == _JSON and schema:
            await response.aread()
            faults = [f"{error.instance_path}: {error.message}" for error in self._errors(schema, response.json())]
            assert not faults, f"{called} has another body: {'; '.join(faults[:3])}"

    def _errors(self, schema: dict[str, Any], body: Any) -> Any:
        key = repr(schema)
        if key not in self._validators:
            whole = {**schema, "components": self._components}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole)
        return self._validators[key].iter_errors(body)

    def _operation(self, path: str, method: str) -> Any:
        found = [self._plain[path]] if path in self._plain else []
        found += [each for pattern, each in self._patterns if pattern.fullmatch(path)]
        return next((each[method] for each in found if method in each), None)
