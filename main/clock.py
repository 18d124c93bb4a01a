"""The machine's clock."""

import time
from datetime import UTC, datetime
from functools import partial


class SystemClock:
    """The machine's time. Both methods are C functions, because the engine reads the clock many times per answer."""

    now = staticmethod(partial(datetime.now, UTC))
    monotonic = staticmethod(time.monotonic)
