"""What the receiver counts: webhooks by provider and answer, how long each took, when something last landed.

Counted in the receiver's own thread, read by the one that tells metrics: a count may be one behind, never torn.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from time import perf_counter, time

from wabench import gauges
from wabench.metrics import Family, Histogram, Sample
from wabench.settings import Settings

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_OUTCOMES = {
    200: "landed",
    400: "not_json",
    401: "wrong_signature",
    404: "no_such_provider",
    413: "too_large",
    503: "not_stored",
}


class Traffic:
    """The counts of one receiver since it was started."""

    def __init__(self, names: Sequence[str]) -> None:
        self._known = frozenset(names)
        self._counts: Counter[tuple[str, int]] = Counter()
        self._seconds = Histogram(_BOUNDS)
        self._landed: dict[str, float] = {}

    def seen(self, name: str, status: int, began: float) -> None:
        """Count a webhook that was answered; `began` is by `perf_counter`."""
        known = name if name in self._known else "unknown"
        self._counts[known, status] += 1
        self._seconds.add(perf_counter() - began)
        if status == 200:
            self._landed[known] = time()

    def families(self) -> Iterator[Family]:
        """Tell the counts."""
        counts = [
            Sample(count, {"provider": name, "outcome": _OUTCOMES.get(status, str(status))})
            for (name, status), count in self._counts.copy().items()
        ]
        landed = [Sample(at, {"provider": name}) for name, at in self._landed.copy().items()]
        yield Family("wabench_webhooks_total", "counter", "webhooks by provider and what became of them", counts)
        yield Family(
            "wabench_webhook_seconds", "histogram", "from a webhook's arrival to its answer", self._seconds.samples()
        )
        yield Family("wabench_webhook_last_landed_timestamp_seconds", "gauge", "when one last was put on disk", landed)


def told(traffic: Traffic, settings: Settings, now: datetime) -> Iterator[Family]:
    """Tell the counts and what the ledger says of answers by rule."""
    return gauges.whole(traffic.families, lambda: gauges.of_answers(settings, now))
