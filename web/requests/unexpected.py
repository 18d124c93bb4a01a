"""The HTTP error for an exception that is no HttpProblem and no EngineError, and its line in the log."""

import logging

from storage.database.unavailable import is_unavailable
from web.errors import SERVER_ERROR, HttpProblem

log = logging.getLogger(__name__)
RETRY_SECONDS = 10.0
DATABASE_UNAVAILABLE = HttpProblem(
    503,
    "The service can't reach or write its database at the moment; nothing was charged. Please try again shortly.",
    "server_error",
    "database_unavailable",
    retry_after_seconds=RETRY_SECONDS,
)


def unexpected(error: Exception, request_id: str) -> HttpProblem:
    """Log the error and return its HTTP error. A database in trouble takes one line, because logs may fill the disk."""
    if is_unavailable(error):
        log.error("request %s failed: the database: %s", request_id, str(error).partition("\n")[0])
        return DATABASE_UNAVAILABLE
    log.error("request %s failed", request_id, exc_info=error)
    return SERVER_ERROR
