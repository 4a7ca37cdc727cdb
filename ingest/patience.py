"""How long a pull may wait: whoever waits holds the warehouse, and what people say is not heard meanwhile."""

from collections.abc import Callable

from wabench.errors import WabenchError

PATIENCE = 600.0
"""Seconds of waiting, all told, after which the pull of one list ends and the next pull goes on there.

Long enough for any throttle that is counted in minutes; an hour's or a day's limit is not sat out.
"""


class Patience:
    """Sleeps as asked until it would be too much in all; `who` is named then."""

    def __init__(self, sleep: Callable[[float], None], who: str, seconds: float = PATIENCE) -> None:
        self._sleep, self._who, self._all = sleep, who, seconds
        self._left = seconds

    def __call__(self, seconds: float) -> None:
        """Wait; raises WabenchError, at once, where that is longer than is left."""
        if seconds > self._left:
            raise WabenchError(
                f"{self._who} wants more than {self._all:g} seconds of waiting; the next pull goes on there"
            )
        self._left -= seconds
        self._sleep(seconds)

    def lose(self, seconds: float) -> None:
        """Count what was waited for in vain."""
        self._left -= max(seconds, 0.0)
