"""How fast a channel may send: a token bucket of one token as a function of the clock, slower after a throttle."""

from collections import deque
from dataclasses import dataclass
from math import ceil

# Timers fire up to a millisecond late and networks jitter; aiming half a percent under the rate leaves room for both.
AIM = 0.995
_CATCH_UP_SECONDS = 0.02
_JITTER = 1.004  # a window that is counted where messages arrive: less than what AIM leaves, so it costs no rate
_SLOWEST = 1 / 64
_RECOVERY_SECONDS = 120


@dataclass(slots=True)
class Departure:
    """When a message left; whoever puts it on the wire later than it was let go moves the time on."""

    at: float


class Pace:
    """When the next message may leave, at `rate` messages a second; times are seconds of any steady clock.

    In any window of a second (below one a second: of one interval) no more leave than were asked for, however late the
    caller wakes; 99 % of them do leave if it wakes less than 20 ms late.
    """

    def __init__(self, rate: float) -> None:
        self.asked = rate
        self._window = max(1.0, 1 / rate) * _JITTER
        self._left: deque[Departure] = deque(maxlen=ceil(rate))
        self._slot: float | None = None
        self._slowed_at: float | None = None
        self._slowed_to = rate

    def rate(self, now: float) -> float:
        """Give the present rate: after a throttle it comes back by half of what was asked in a minute."""
        if self._slowed_at is None:
            return self.asked
        return min(self.asked, self._slowed_to + self.asked * (now - self._slowed_at) / _RECOVERY_SECONDS)

    def next_at(self, now: float) -> float:
        """Tell when the next message may leave; a moment not after `now` means at once."""
        if self._slot is None:
            return now
        slot = self._slot + self._spacing(now)
        return max(slot, self._left[0].at + self._window) if len(self._left) == self._left.maxlen else slot

    def left(self, now: float) -> Departure:
        """Note that a message leaves now. Lateness is caught up with by 20 ms at most, never by a burst."""
        slot = now if self._slot is None else self._slot + self._spacing(now)
        self._slot = max(slot, now - _CATCH_UP_SECONDS)
        self._left.append(Departure(now))
        return self._left[-1]

    def _spacing(self, now: float) -> float:
        return 1 / (self.rate(now) * AIM)

    def slow_down(self, now: float) -> None:
        """Halve the rate, once a second at most: a burst of throttle answers is one piece of news."""
        if self._slowed_at is None or now - self._slowed_at >= 1:
            self._slowed_to = max(self.rate(now) / 2, self.asked * _SLOWEST)
            self._slowed_at = now
