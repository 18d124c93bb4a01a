"""Paths: the existing paths with their methods, and the errors for all others."""

import re
from collections.abc import Iterable
from re import Pattern

from starlette.routing import BaseRoute, Route

from web.errors import SEE_HOME, HttpProblem, shown, unknown_path
from web.miniapp.access import current_operator

_ACTION = re.compile(r"/v1/responses/(?!resp_)[a-z_]+")
"""A name that is no id, such as `compact`: it is another endpoint of OpenAI's, not a response."""


class Paths:
    """The methods of every path. Paths are looked up without a trailing slash. HEAD is allowed if GET is."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._plain: dict[str, set[str]] = {}
        self._patterns: list[tuple[Pattern[str], set[str]]] = []
        self._listed: dict[str, set[str]] = {}
        self._operators: list[Pattern[str]] = []
        for route in routes:
            if isinstance(route, Route) and route.methods:
                self._add(route, route.methods)
                if is_for_operators(route):
                    self._operators.append(route.path_regex)

    def _add(self, route: Route, methods: set[str]) -> None:
        methods = methods | {"HEAD"} if "GET" in methods else set(methods)
        listed = route.path.replace(":path}", "}")
        self._listed.setdefault(listed, set()).update(methods)
        if route.param_convertors:
            self._patterns.append((route.path_regex, methods))
        else:
            self._plain.setdefault(route.path, set()).update(methods)

    def methods(self, path: str) -> set[str]:
        """Return the methods of a path; none if it does not exist."""
        plain = self._plain.get(path)
        if plain is not None:
            return plain
        found: set[str] = set()
        for pattern, methods in self._patterns:
            if pattern.match(path):
                found |= methods
        return found

    def is_for_operators(self, path: str) -> bool:
        """Return True for a path of the Mini App that is hidden from everyone but operators."""
        return any(pattern.match(path) for pattern in self._operators)

    def check(self, method: str, path: str) -> None:
        """Raise HttpProblem 404 if the path does not exist, 405 if it lacks the method."""
        methods = self.methods(path)
        if method in methods:
            return
        if not methods or (method == "POST" and _ACTION.fullmatch(path)):
            raise self._not_found(method, path)
        allowed = ", ".join(sorted(methods))
        text = f"{shown(path)} can't be called with {method}, but with {allowed}."
        raise HttpProblem(405, text, code="method_not_allowed", more_headers={"allow": allowed})

    def _not_found(self, method: str, path: str) -> HttpProblem:
        meant = self._meant(method, path)
        if meant:
            advice = f"Do you mean {method} {meant}? The base URL of clients ends in /v1, once."
        elif path == "/v1" or path.startswith("/v1/"):
            advice = f"There is {', '.join(self._calls_of_api())}."
        else:
            advice = SEE_HOME
        return unknown_path(method, path, advice)

    def _meant(self, method: str, path: str) -> str | None:
        """Return the API path at the end of this one: some clients put a wrong or a second base URL before it."""
        parts = [part for part in path.split("/") if part and part != "v1"]
        for begin in range(len(parts)):
            candidate = "/v1/" + "/".join(parts[begin:])
            if candidate != path and method in self._plain.get(candidate, ()):
                return candidate
        return None

    def _calls_of_api(self) -> list[str]:
        return [
            f"{method} {path}"
            for path, methods in self._listed.items()
            if path.startswith("/v1/")
            for method in sorted(methods - {"HEAD"})
        ]


def is_for_operators(route: Route) -> bool:
    """Return True if a route of FastAPI depends on `current_operator`."""
    dependant = getattr(route, "dependant", None)
    return dependant is not None and any(each.call is current_operator for each in dependant.dependencies)
