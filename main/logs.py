"""Logs: console or JSON lines, and no secret in either, tracebacks included."""

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

_SHAPES = re.compile(r"\b\d{5,}:[A-Za-z0-9_-]{30,}|\bfk-[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{16,}|\bAIza[\w-]{30,}")
_HIDDEN = "[hidden]"
_QUIET = (
    "httpx",
    "httpcore",
    "telegram",
    "apscheduler",
    "aiohttp",
    "alembic",
    "uvicorn",
    "genai-prices",
)
_LEAST_SECRET_CHARS = 6


class Redacting(logging.Formatter):
    """A formatter whose last act is to take out every secret it was told of, and all that looks like one."""

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._inner = inner
        known = sorted({s for s in secrets if len(s) >= _LEAST_SECRET_CHARS}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def format(self, record: logging.LogRecord) -> str:
        line = _SHAPES.sub(_HIDDEN, self._inner.format(record))
        return self._known.sub(_HIDDEN, line) if self._known else line


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up(level: str, style: str, secrets: Iterable[str]) -> None:
    """Take over the root logger. Libraries that log URLs (and so tokens) are heard from WARNING on."""
    console = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting(JsonLines() if style == "json" else console, secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
