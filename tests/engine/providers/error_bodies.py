"""Bodies of error responses in the forms of the providers, and a provider that responds with one."""

import json
from typing import Any

from tests.engine.providers.dialects.wires import Wire


def says(message: str = "no", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


def google(code: int, message: str, status: str, *details: dict[str, Any]) -> dict[str, Any]:
    return says(message, code=code, status=status, details=list(details))


def claude(kind: str, message: str = "no", **details: Any) -> dict[str, Any]:
    error = {"type": kind, "message": message, **({"details": details} if details else {})}
    return {"type": "error", "error": error, "request_id": "r"}


TOO_LONG = "This model's maximum context length is 8,192 tokens. However, you requested 9000 tokens."
PER_DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProject", "quotaValue": "1000"}]}


def wire(name: str, status: int, body: Any, **headers: str) -> Wire:
    raw = body if isinstance(body, str) else json.dumps(body)
    kind = "openai" if name == "local" else name
    return Wire(kind, raw, status=status, headers={"content-type": "application/json", **headers})
