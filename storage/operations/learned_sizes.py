"""Storage of the learned token sizes across restarts, as one row."""

import json
import logging

from engine.catalog.token_sizes import TokenSizes
from storage.database import watermarks
from storage.database.connection import Connection

log = logging.getLogger(__name__)
NAME = "learned.sizes"


def save(conn: Connection, sizes: TokenSizes) -> None:
    """Store the sizes. They overwrite those of other processes, which are nearly the same."""
    watermarks.write(conn, NAME, json.dumps(sizes.dump(), separators=(",", ":")))


def load(conn: Connection, sizes: TokenSizes) -> None:
    """Load the stored sizes. An unreadable row is logged and ignored."""
    stored = watermarks.read(conn, NAME)
    if stored is None:
        return
    try:
        sizes.load(json.loads(stored))
    except (KeyError, TypeError, ValueError) as error:
        log.warning("the learned token sizes could not be read and are learned again: %r", error)
