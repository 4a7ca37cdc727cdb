"""What turns an in-process CRM (a function of a request) into one that is served: it shows the shop as it is now."""

from collections.abc import Callable
from datetime import datetime

import httpx

from crm import Answer, Ask
from crm.shop import Shop

FAST = {"requests_per_second": "1000"}
"""The pace is tried elsewhere, in time that is not real."""


class Follower:
    """Calls `show` whenever the shop has changed since it was last shown."""

    def __init__(self, shop: Shop, show: Callable[[], None]) -> None:
        self._shop, self._show = shop, show
        self._shown: tuple[int, datetime, datetime] | None = None

    def __call__(self) -> None:
        orders, people = self._shop.orders.values(), self._shop.people.values()
        now = (len(orders), max(o.updated for o in orders), max(p.updated for p in people))
        if now != self._shown:
            self._shown = now
            self._show()


def request_of(ask: Ask) -> httpx.Request:
    """Give an asked request as a client made it."""
    return httpx.Request(
        ask.method, f"http://crm{ask.path}", params=list(ask.pairs), headers=dict(ask.headers), content=ask.body
    )


def answer_of(response: httpx.Response, feed: str = "", records: int = 0) -> Answer:
    """Give a response as it is served."""
    return Answer(response.status_code, response.content, feed=feed, records=records)
