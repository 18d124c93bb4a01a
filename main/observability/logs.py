"""Log formats: console or JSON lines. Secrets are hidden in both, even inside tracebacks."""

import copy
import json
import logging
import re
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus

from storage.database.unavailable import is_unavailable

_SHAPES = re.compile(
    r"\b\d{5,}:[A-Za-z0-9_-]{30,}"  # a bot token
    r"|\bfk-[A-Za-z0-9]{20,}"
    r"|\b(?:sk|pk|gsk|xai|r8|hf)[-_][A-Za-z0-9_-]{16,}"
    r"|\bAIza[\w-]{30,}"
    r"|(?<=://)[^\s/@'\":]*+:[^\s/@'\"]++(?=@)"  # user and password in a URL
)
_CONTROLS = re.compile("[\x00-\x08\n-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that begin a line, move a terminal's cursor, or turn the direction of text. The tab is none of them."""
log = logging.getLogger("farthing")
_HIDDEN = "[hidden]"
QUIET_LOGGERS = (
    "httpx",
    "httpcore",
    "telegram",
    "apscheduler",
    "aiohttp",
    "alembic",
    "fontTools",
    "uvicorn",
    "genai-prices",
)
_LEAST_SECRET_CHARS = 6


class Redactor:
    """Replaces the given secrets, and text that looks like a secret, by `[hidden]`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {spelling for secret in secrets for spelling in _spellings(secret)}
        longest_first = sorted((each for each in known if len(each) >= _LEAST_SECRET_CHARS), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def hide(self, text: str) -> str:
        # The known secrets first, because a pattern that ends within one would leave its rest.
        if self._known is not None:
            text = self._known.sub(_HIDDEN, text)
        return _SHAPES.sub(_HIDDEN, text)


def _spellings(secret: str) -> set[str]:
    """Return the forms in which a log can contain `secret`: plain, in a repr, in a URL, and each of them in JSON."""
    plain = {secret, repr(secret)[1:-1], quote(secret, safe=""), quote_plus(secret)}
    return plain | {json.dumps(each, ensure_ascii=as_ascii)[1:-1] for each in plain for as_ascii in (True, False)}


class Redacting(logging.Formatter):
    """Hides secrets in the lines of another formatter. A database in trouble takes one line, without a traceback.

    Otherwise an hour without it would be a gigabyte of tracebacks, and a full disk would get fuller.
    """

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._inner, self._redactor = inner, Redactor(secrets)

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.hide(self._inner.format(_shortened(record)))


def _shortened(record: logging.LogRecord) -> logging.LogRecord:
    error = record.exc_info[1] if record.exc_info else None
    if error is None or not is_unavailable(error):
        return record
    short = copy.copy(record)
    reason = str(error.__cause__ or error).strip().partition("\n")[0]
    short.msg, short.args, short.exc_info, short.exc_text = f"{record.getMessage()}: {reason}", None, None, None
    return short


class ConsoleLines(logging.Formatter):
    """One line per message. Control characters in it are escaped, and tracebacks indented: neither can imitate a line.

    Messages can contain text of other programs and people.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = _escaped(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return "\n".join(f"  {_escaped(line)}" for line in super().formatException(ei).split("\n"))


def _escaped(text: str) -> str:
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, message, and the traceback if there is one."""

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
    """Configure the root logger. Libraries that log URLs with tokens log only warnings and errors."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting(JsonLines() if style == "json" else ConsoleLines(), secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def log_uncaught(secrets: Iterable[str]) -> None:
    """Log uncaught errors instead of printing them, with hidden secrets even before `set_up` has run."""
    formatter = Redacting(logging.Formatter("%(message)s"), secrets)

    def report(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        found = (kind, error or kind(), traceback)
        if logging.root.handlers:
            log.critical("uncaught error", exc_info=found)
        else:
            record = log.makeRecord(log.name, logging.CRITICAL, "", 0, "uncaught error", (), found)
            sys.stderr.write(formatter.format(record) + "\n")

    sys.excepthook = report
    threading.excepthook = lambda thread: report(thread.exc_type, thread.exc_value, thread.exc_traceback)
