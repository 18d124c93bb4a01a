"""Log formats: console or JSON lines. Secrets are hidden in both, also inside tracebacks."""

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

_SHAPES = re.compile(r"\b\d{5,}:[A-Za-z0-9_-]{30,}|\bfk-[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{16,}|\bAIza[\w-]{30,}")
_HIDDEN = "[hidden]"
QUIET_LOGGERS = (
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
    """Hides the given secrets, and text that looks like one, in the lines of another formatter."""

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._inner = inner
        known = sorted({s for s in secrets if len(s) >= _LEAST_SECRET_CHARS}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def format(self, record: logging.LogRecord) -> str:
        line = _SHAPES.sub(_HIDDEN, self._inner.format(record))
        return self._known.sub(_HIDDEN, line) if self._known else line


class JsonLines(logging.Formatter):
    """One JSON object in each line: time, level, logger, message, and a traceback where there is one."""

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
    """Configure the root logger. Libraries that log URLs, which contain tokens, log from WARNING on."""
    console = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting(JsonLines() if style == "json" else console, secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
