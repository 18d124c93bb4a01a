"""What the engine has learned of sizes, kept over restarts: one row, of no worth to the books."""

import json
import logging

from engine.catalog.token_sizes import TokenSizes
from storage.database import watermarks
from storage.database.connection import Connection

log = logging.getLogger(__name__)
NAME = "learned.sizes"


def save(conn: Connection, sizes: TokenSizes) -> None:
    """The last process to save wins: all of them learn the same."""
    watermarks.write(conn, NAME, json.dumps(sizes.dump(), separators=(",", ":")))


def load(conn: Connection, sizes: TokenSizes) -> None:
    """A row that can't be read is as good as none."""
    kept = watermarks.read(conn, NAME)
    if kept is None:
        return
    try:
        sizes.load(json.loads(kept))
    except (KeyError, TypeError, ValueError) as error:
        log.warning("what was learned of sizes could not be read and is learned again: %r", error)
