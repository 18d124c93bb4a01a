"""RecentTimes and RecentAmounts: the moments of the last minute, in ascending order, with an amount for each.

They are arrays, 8 bytes for each number. In deques of floats and tuples a request took 170 bytes, for a whole minute.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

_LEAST_DROPPED = 512


class RecentTimes:
    """Moments in ascending order. The oldest ones are forgotten: their space is reused when it is half of all."""

    __slots__ = ("_first", "_times")

    def __init__(self, times: Iterable[float] = ()) -> None:
        self._times = array("d", times)
        self._first = 0

    def __len__(self) -> int:
        return len(self._times) - self._first

    def __getitem__(self, number: int) -> float:
        return self._times[number if number < 0 else self._first + number]

    def __contains__(self, moment: float) -> bool:
        return self.until(moment) > self._before(moment)

    def append(self, moment: float) -> None:
        self._times.append(moment)

    def extend(self, moments: Iterable[float]) -> None:
        self._times.extend(moments)

    def until(self, moment: float) -> int:
        """Return how many of the times are not later than `moment`."""
        return bisect_right(self._times, moment, self._first) - self._first

    def _before(self, moment: float) -> int:
        return bisect_left(self._times, moment, self._first) - self._first

    def forget_until(self, moment: float) -> None:
        """Forget the times that are not later than `moment`."""
        if len(self) and self[0] <= moment:
            self._first += self.until(moment)
            if self._first >= _LEAST_DROPPED and self._first > len(self):
                self._drop()

    def _drop(self) -> None:
        del self._times[: self._first]
        self._first = 0


class RecentAmounts(RecentTimes):
    """Moments with an amount for each, and the sum of the amounts that are not forgotten."""

    __slots__ = ("_amounts", "total")

    def __init__(self) -> None:
        super().__init__()
        self._amounts = array("q")
        self.total = 0

    def add(self, moment: float, amount: int) -> None:
        self.append(moment)
        self._amounts.append(amount)
        self.total += amount

    def total_until(self, moment: float) -> int:
        """Return the sum of the amounts that are not later than `moment`."""
        return sum(self._amounts[self._first : self._first + self.until(moment)])

    def remove(self, moment: float) -> None:
        """Forget the first amount of exactly this moment, if there is one."""
        if moment in self:
            number = self._first + self._before(moment)
            del self._times[number]
            self.total -= self._amounts.pop(number)

    def forget_until(self, moment: float) -> None:
        if len(self) and self[0] <= moment:
            self.total -= self.total_until(moment)
            super().forget_until(moment)

    def _drop(self) -> None:
        del self._amounts[: self._first]
        super()._drop()
