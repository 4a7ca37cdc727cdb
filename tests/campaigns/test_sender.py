"""The sender in virtual time: its pace under latency, what it makes of every answer, how it ends."""

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx
import pytest
import virtual_time

from wabench.campaigns.claims import Claim, Outcome, Turn
from wabench.campaigns.pacing import AIM
from wabench.campaigns.schema import CampaignState
from wabench.campaigns.sender import Sender
from wabench.providers import get
from wabench.providers.base import Channel, Failed, Message, Template
from wabench.providers.errors import ErrorFamily

CHANNEL = Channel("http://127.0.0.1:9/v26.0", "1", secrets={"token": "test-token"})
Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]
ACCEPTED = {"contacts": [{"wa_id": "55"}], "messages": [{"id": "wamid.1"}]}


@dataclass
class Book:
    """The ledger's side, in memory: hands out claims, and takes outcomes."""

    waiting: int
    status: CampaignState = CampaignState.RUNNING
    outcomes: list[Outcome] = field(default_factory=list)
    most_claimed: int = 0
    claimed: int = 0

    def turn(self, outcomes: Sequence[Outcome], want: int) -> Turn:
        self.outcomes += outcomes
        again = sum(1 for o in outcomes if o.result is None or _is_retry(o))
        self.waiting += again
        self.claimed -= len(outcomes)
        if self.status is not CampaignState.RUNNING:
            return Turn(self.status, (), 0, None)
        taken = min(want, self.waiting)
        self.waiting -= taken
        self.claimed += taken
        self.most_claimed = max(self.most_claimed, self.claimed)
        return Turn(self.status, [_claim(n) for n in range(taken)], 0, 0.0 if self.waiting else None)


def _is_retry(outcome: Outcome) -> bool:
    return isinstance(outcome.result, Failed) and outcome.result.family is ErrorFamily.RETRY


def _claim(number: int) -> Claim:
    message = Message("+5511980000001", None, Template("sale", "en", "marketing"), f"wb:{number}")
    return Claim(f"s{number}", 1, message)


def send(
    book: Book, answer: Answer, rate: float, beside: Callable[[Sender], Awaitable[None]] | None = None,
    read_back: Callable[[], object] = lambda: None,
) -> Sender:  # fmt: skip
    async def main() -> Sender:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            with ThreadPoolExecutor(1) as thread:
                sender = Sender(book.turn, get("meta"), CHANNEL, [client], rate, thread, read_back=read_back)
                tasks = [asyncio.create_task(beside(sender))] if beside else []
                await sender.run()
                await asyncio.gather(*tasks)
                return sender

    return virtual_time.run(main)


def answering(latency: float = 0.0, status: int = 200, code: int | None = None) -> tuple[Answer, list[float]]:
    times: list[float] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(latency)
        return httpx.Response(status, json={"error": {"code": code, "message": "no"}} if code else ACCEPTED)

    return answer, times


@pytest.mark.parametrize("latency", [0.0, 0.05, 0.25])
@pytest.mark.parametrize("rate", [0.5, 80.0])
def test_the_rate_is_held_within_1_percent_and_never_exceeded_at_any_latency(rate: float, latency: float) -> None:
    answer, times = answering(latency)
    book = Book(waiting=int(rate * 30))
    sender = send(book, answer, rate)
    assert sender.counts["accepted"] == len(times) == int(rate * 30)
    assert 0.99 * rate <= (len(times) - 1) / (times[-1] - times[0]) <= rate
    window = max(1.0, 1 / rate)
    assert max(bisect_left(times, at + window - 1e-6) - n for n, at in enumerate(times)) <= max(1, rate)


def test_a_call_that_waits_for_its_connection_counts_from_when_it_is_written() -> None:
    begun: list[httpx.Request] = []
    times: list[float] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        begun.append(request)
        if len(begun) == 1:
            await asyncio.sleep(24 / (80 * AIM) - 1e-4)  # until just before another leaves
        await request.extensions["trace"]("http11.send_request_headers.started", {})
        times.append(asyncio.get_running_loop().time())
        return httpx.Response(200, json=ACCEPTED)

    send(Book(waiting=200), answer, 80)
    assert times[0] < times[24]
    assert max(bisect_left(times, at + 1 - 1e-6) - n for n, at in enumerate(times)) <= 80


def test_at_a_slow_pace_one_send_at_a_time_is_claimed_so_that_a_kill_leaves_one() -> None:
    answer, _ = answering(0.05)
    book = Book(waiting=20)
    send(book, answer, 0.5)
    assert book.most_claimed == 1


def test_a_claim_whose_slot_a_throttle_puts_off_is_given_back_so_that_a_stop_is_heeded() -> None:
    arrived: list[float] = []
    late: list[bool] = []

    async def throttled_late(request: httpx.Request) -> httpx.Response:
        arrived.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1.95)  # the next is claimed by then, and would leave in a moment
        code = 130429 if len(arrived) == 1 else None
        return httpx.Response(400, json={"error": {"code": code, "message": "no"}}) if code else (
            httpx.Response(200, json=ACCEPTED)
        )  # fmt: skip

    async def watch(sender: Sender) -> None:
        while len(book.outcomes) < 4:
            await asyncio.sleep(0.05)
            flying = len(arrived) - sum(outcome.result is not None for outcome in book.outcomes)
            late.append(book.claimed > flying)

    book = Book(waiting=4)
    send(book, throttled_late, 0.5, watch)
    assert arrived[1] - arrived[0] > 3, "the throttle slowed it"
    assert not any(all(late[n : n + 10]) for n in range(len(late) - 10)), "a claim waited for half a second"


def test_throttling_slows_the_channel_and_everybody_is_sent_to_in_the_end() -> None:
    answer, times = answering()
    accepted: list[float] = []

    async def throttled(request: httpx.Request) -> httpx.Response:
        now = asyncio.get_running_loop().time()
        if sum(at > now - 1 for at in accepted) >= 20:
            times.append(now)
            return httpx.Response(400, json={"error": {"code": 130429, "message": "Rate limit hit"}})
        accepted.append(now)
        return await answer(request)

    sender = send(Book(waiting=600), throttled, 80)
    assert sender.counts["accepted"] == len(accepted) == 600
    assert sender.counts["retry"] < 300


def test_a_provider_that_accepts_nothing_for_a_minute_stops_the_campaign_with_nobody_lost() -> None:
    async def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    book = Book(waiting=50)
    sender = send(book, unreachable, 5)
    assert sender.stopped is not None
    assert "can't be reached: connection refused" in sender.stopped
    assert book.waiting == 50


@pytest.mark.parametrize(
    ("error", "family"),
    [
        (httpx.ReadTimeout("no answer"), ErrorFamily.MAYBE_SENT),
        (httpx.WriteError("reset"), ErrorFamily.MAYBE_SENT),
        (httpx.RemoteProtocolError("closed"), ErrorFamily.MAYBE_SENT),
        (httpx.DecodingError("not gzip"), ErrorFamily.MAYBE_SENT),
        (httpx.ConnectTimeout("slow"), ErrorFamily.RETRY),
    ],
)
def test_a_lost_answer_may_have_been_sent_but_not_a_connection_that_never_was(
    error: Exception, family: ErrorFamily
) -> None:
    answer, _ = answering()
    failures = [error]

    async def failing_once(request: httpx.Request) -> httpx.Response:
        if failures:
            raise failures.pop()
        return await answer(request)

    book = Book(waiting=2)
    send(book, failing_once, 10)
    first = book.outcomes[0].result
    assert isinstance(first, Failed)
    assert first.family is family


@pytest.mark.parametrize("lost", [503, httpx.ReadTimeout("no answer")])
def test_a_provider_whose_answers_are_all_lost_stops_the_campaign_before_everybody_is_unknown(
    lost: int | Exception,
) -> None:
    async def losing(request: httpx.Request) -> httpx.Response:
        if isinstance(lost, Exception):
            raise lost
        return httpx.Response(lost)

    book = Book(waiting=500)
    sender = send(book, losing, 5)
    assert sender.stopped is not None
    assert "20 answers were lost" in sender.stopped
    assert (sender.counts["maybe_sent"], book.waiting) == (20, 480)


def test_lost_answers_among_accepted_ones_stop_nobody() -> None:
    answer, times = answering()

    async def losing_half(request: httpx.Request) -> httpx.Response:
        accepted = await answer(request)
        return accepted if len(times) % 2 else httpx.Response(503)

    sender = send(Book(waiting=100), losing_half, 10)
    assert (sender.stopped, sender.counts["maybe_sent"]) == (None, 50)


def test_a_campaign_of_which_too_many_are_refused_stops_with_the_rest_planned() -> None:
    answer, times = answering()

    async def refusing_the_fifth(request: httpx.Request) -> httpx.Response:
        accepted = await answer(request)
        error = {"error": {"code": 131026, "message": "undeliverable"}}
        return httpx.Response(400, json=error) if len(times) % 5 == 0 else accepted

    book = Book(waiting=500)
    sender = send(book, refusing_the_fifth, 5)
    assert sender.stopped is not None
    assert "10 of 50 messages failed, more than 15%; the last one: 131026" in sender.stopped
    assert book.waiting == 450


@pytest.mark.parametrize(
    ("base_url", "token"),
    [
        ("graph.facebook.com", "t"),
        ("ftp://graph.facebook.com", "t"),
        ("https://[::1", "t"),
        (CHANNEL.base_url, "tøken"),
    ],
)
def test_settings_that_nothing_can_be_sent_with_stop_the_campaign_and_nobody_is_unknown(
    base_url: str, token: str
) -> None:
    async def main() -> Sender:
        channel = Channel(base_url, "1", secrets={"token": token})
        async with httpx.AsyncClient(trust_env=False) as client:
            with ThreadPoolExecutor(1) as thread:
                sender = Sender(book.turn, get("meta"), channel, [client], 10, thread)
                await sender.run()
                return sender

    book = Book(waiting=5)
    sender = asyncio.run(main())
    assert sender.stopped is not None
    assert f"{base_url!r} with this token" in sender.stopped
    assert (sender.counts.total(), book.waiting, book.claimed) == (0, 5, 0)


def test_what_a_provider_cannot_say_stops_the_campaign_with_its_reason_and_no_secret() -> None:
    async def main() -> Sender:
        channel = Channel("https://api.bird.com", "1", {"dialect": "v9-secret"}, {"token": "secret"})
        async with httpx.AsyncClient(trust_env=False) as client:
            with ThreadPoolExecutor(1) as thread:
                sender = Sender(book.turn, get("messagebird"), channel, [client], 10, thread)
                await sender.run()
                return sender

    book = Book(waiting=5)
    sender = asyncio.run(main())
    assert sender.stopped == "messagebird: dialect is v1, channels, classic, not 'v9-…'"
    assert (sender.counts.total(), book.waiting, book.claimed) == (0, 5, 0)


def test_a_header_that_http_forbids_stops_the_campaign_and_nobody_is_unknown() -> None:
    async def refusing(request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError("Illegal header value")

    book = Book(waiting=5)
    assert send(book, refusing, 10).stopped
    assert (book.waiting, book.claimed) == (5, 0)


def test_a_stop_ends_the_calls_in_flight_and_gives_back_what_was_not_called() -> None:
    answer, times = answering(0.5)

    async def stop_soon(sender: Sender) -> None:
        await asyncio.sleep(1.03)
        sender.stop("stopped by SIGTERM")

    book = Book(waiting=1000)
    sender = send(book, answer, 80, stop_soon)
    results = Counter("none" if o.result is None else "accepted" for o in book.outcomes)
    assert sender.stopped == "stopped by SIGTERM"
    assert results["accepted"] == len(times) == sender.counts["accepted"]
    assert book.claimed == 0
    assert book.waiting == 1000 - len(times)


def test_a_pause_from_elsewhere_is_noticed_within_a_second() -> None:
    answer, times = answering()
    book = Book(waiting=1000)

    async def pause_soon(sender: Sender) -> None:
        await asyncio.sleep(2)
        book.status = CampaignState.PAUSED

    send(book, answer, 0.5, pause_soon)
    assert times[-1] - times[0] <= 3


def test_an_error_of_the_ledger_ends_the_sending() -> None:
    answer, _ = answering()
    book: Any = Book(waiting=5)
    turn = book.turn

    def failing(outcomes: Sequence[Outcome], want: int) -> Turn:
        if outcomes:
            raise OSError("disk full")
        return turn(outcomes, want)  # type: ignore[no-any-return]

    book.turn = failing
    with pytest.raises(ExceptionGroup):
        send(book, answer, 10)


def test_what_came_back_is_read_every_minute_while_sending() -> None:
    answer, times = answering()
    read: list[int] = []
    send(Book(waiting=400), answer, 2, read_back=lambda: read.append(len(times)))
    assert [n - m for m, n in pairwise([0, *read])] == pytest.approx([120] * 3, abs=2)


def test_a_stop_that_is_read_back_keeps_the_rest_from_being_written_to() -> None:
    answer, times = answering()
    book = Book(waiting=400)

    def everybody_stops() -> None:
        book.waiting = 0

    send(book, answer, 2, read_back=everybody_stops)
    assert len(times) == pytest.approx(120, abs=2)


def test_what_cannot_be_read_back_stops_the_sending_in_order() -> None:
    answer, times = answering(0.5)

    def failing() -> None:
        raise OSError("disk full")

    book = Book(waiting=400)
    sender = send(book, answer, 2, read_back=failing)
    assert sender.stopped == "what came back can't be read: disk full"
    assert (book.claimed, book.waiting) == (0, 400 - len(times))
