"""What was missed by webhook is read back: from Twilio's list of messages, as it pages, throttles and fails."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from processes import start

from ingest import history, landing, loader
from ingest.landing import LandingLog
from ingest.pull import PullOutcome
from wabench.errors import UsageError
from wabench.settings import Settings, load

NOW = datetime(2026, 7, 10, 12, tzinfo=UTC)
TOKEN = "a-twilio-auth-token"
SHOP, ANA = "+5511900000000", "+5511987654321"


def sid(number: int) -> str:
    return f"SM{number:032x}"


def message(number: int, status: str = "delivered", at: datetime = NOW, inbound: bool = False) -> dict[str, Any]:
    """One message as Twilio lists it."""
    people = {"from": f"whatsapp:{ANA}", "to": f"whatsapp:{SHOP}"}
    if not inbound:
        people = {"from": f"whatsapp:{SHOP}", "to": f"whatsapp:{ANA}"}
    return {
        "sid": sid(number),
        "status": "received" if inbound else status,
        "direction": "inbound" if inbound else "outbound-api",
        **dict.fromkeys(("date_created", "date_sent", "date_updated"), format_datetime(at)),
        "body": "Oi" if inbound else "Hello",
        "num_media": "0",
        "price": None,
        "error_code": None,
        **people,
    }


def webhook(number: int, status: str) -> bytes:
    """The status callback of a listed message."""
    fields = {"MessageSid": sid(number), "MessageStatus": status, "From": f"whatsapp:{SHOP}", "To": f"whatsapp:{ANA}"}
    return urlencode(fields | {"AccountSid": "AC1"}).encode()


class Twilio:
    """Twilio's list: newest first, two a page, since a day; `faults` are answered first, None lets one pass."""

    def __init__(self) -> None:
        self.messages = [message(n, at=NOW - timedelta(hours=n)) for n in range(5)]
        self.faults: list[httpx.Response | Exception | None] = []
        self.asked: list[httpx.URL] = []
        self.next_host = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        assert request.headers["Authorization"].startswith("Basic ")
        if self.faults and (fault := self.faults.pop(0)):
            if isinstance(fault, Exception):
                raise fault
            return fault
        at = int(request.url.params.get("Page", 0)) * 2
        following = str(httpx.QueryParams({**request.url.params, "Page": str(at // 2 + 1), "PageToken": f"PA{at}"}))
        more = at + 2 < len(self.messages)
        address = f"{self.next_host}/2010-04-01/Accounts/AC1/Messages.json?{following}" if more else None
        return httpx.Response(200, json={"messages": self.messages[at : at + 2], "next_page_uri": address})


class Puller:
    """Pulls with a clock of its own and remembers how long it was told to wait."""

    def __init__(self, home: Path, extra: str = "") -> None:
        toml = f'[providers.twilio]\nchannel_id = "{SHOP}"\n{extra}'
        (home / "wabench.toml").write_text(toml)
        secrets = {"WABENCH_TWILIO_ACCOUNT_SID": "AC1", "WABENCH_TWILIO_AUTH_TOKEN": TOKEN}
        self.settings: Settings = load({"WABENCH_HOME": str(home), **secrets})
        self.twilio = Twilio()
        self.waited: list[float] = []
        self.now = NOW

    def __call__(self, *names: str, full: bool = False) -> PullOutcome:
        (outcome,) = self.all(*names, full=full)
        return outcome

    def all(self, *names: str, full: bool = False) -> list[PullOutcome]:
        return history.pull(
            self.settings,
            names or None,
            full,
            transport=httpx.MockTransport(self.twilio),
            sleep=self.waited.append,
            clock=self.tick,
        )

    def tick(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def receive(self, *bodies: bytes) -> None:
        with closing(LandingLog(self.settings.paths.landing / "twilio" / "webhooks", clock=self.tick)) as log:
            for body in bodies:
                log.append(body, valid_json=False)
            log.commit()

    def events(self) -> list[str]:
        loader.load(self.settings)
        with closing(loader.connect(self.settings)) as connection:
            rows = connection.execute("select event_id from raw.message_events order by event_id").fetchall()
            assert connection.execute("select count(*) from raw.rejected").fetchall() == [(0,)]
        return [event_id for (event_id,) in rows]


@pytest.fixture
def puller(home: Path) -> Puller:
    return Puller(home)


def test_an_outage_is_closed_and_what_came_by_webhook_is_no_second_row(puller: Puller) -> None:
    puller.receive(webhook(4, "delivered"), webhook(3, "delivered"))
    before = puller.events()
    puller.twilio.messages.append(message(9, inbound=True))
    assert puller().error is None
    expected = [f"twilio:{sid(n)}:delivered" for n in range(5)]
    found = puller.events()
    assert [e for e in found if e.endswith(":delivered")] == expected
    assert set(before) <= set(found)
    assert len(found) == len(set(found)) == 6


def test_webhooks_that_come_after_the_pull_are_no_second_rows_either(puller: Puller) -> None:
    puller()
    found = puller.events()
    puller.receive(*(webhook(n, "delivered") for n in range(5)))
    assert puller.events() == found


def test_the_first_pull_reaches_far_back_and_the_next_to_the_last_pull_with_some_overlap(puller: Puller) -> None:
    assert puller().pages == 3
    assert puller.twilio.asked[0].params["DateSent>"] == "2026-06-10"
    puller.now += timedelta(days=7)
    puller.receive(webhook(1, "read"))  # an event of today does not show that there was no outage before it
    puller()
    assert puller.twilio.asked[3].params["DateSent>"] == "2026-07-08"
    puller("twilio", full=True)
    assert puller.twilio.asked[6].params["DateSent>"] == "2026-06-17"


def test_a_refresh_reads_it_every_few_hours_and_its_name_at_once(puller: Puller) -> None:
    puller()
    puller.now += timedelta(hours=5)
    assert puller.all() == []
    assert puller("twilio").pages == 3
    puller.now += timedelta(hours=6)
    assert puller().pages == 3


def test_a_pull_that_died_goes_on_from_its_last_page_at_once_and_asks_none_again(puller: Puller) -> None:
    puller.twilio.faults = [None, httpx.Response(400, json={"code": 20001, "message": "no", "status": 400})]
    died = puller()
    assert died.pages == 1
    assert "20001" in str(died.error)
    puller.twilio.asked.clear()
    rest = puller()
    assert (rest.resumed, rest.pages, rest.error) == (True, 2, None)
    assert puller.twilio.asked[0].params["Page"] == "1"
    assert len(puller.events()) == 5


def test_a_place_that_expired_is_begun_again_rather_than_stuck(puller: Puller) -> None:
    puller.twilio.faults = [None, httpx.Response(404)]
    assert puller().error
    puller.twilio.faults = [httpx.Response(400)]
    outcome = puller()
    assert (outcome.error, outcome.pages, outcome.resumed) == (None, 3, False)
    assert len(puller.events()) == 5


def test_throttling_waits_as_long_as_it_is_told_and_a_breakdown_ever_longer(puller: Puller) -> None:
    puller.twilio.faults = [httpx.Response(429, headers={"Retry-After": "17"}), *[httpx.Response(503)] * 3]
    assert puller().error is None
    assert puller.waited == [17.0, 2.0, 4.0, 8.0]


def test_no_network_is_said_in_one_line_without_the_token(puller: Puller) -> None:
    puller.twilio.faults = [httpx.ConnectError(f"no route {TOKEN}")] * 6
    outcome = puller()
    assert "twilio: api.twilio.com gave no answer (no route …)" in str(outcome.error)
    assert puller().error is None


def test_a_refused_token_is_said_and_not_shown(puller: Puller) -> None:
    told = {"code": 20003, "message": f"Authenticate {TOKEN}", "status": 401}
    puller.twilio.faults = [httpx.Response(401, json=told)]
    outcome = puller()
    assert "20003" in str(outcome.error)
    assert TOKEN not in str(outcome.error)


def test_a_next_page_elsewhere_is_asked_where_the_first_was(puller: Puller) -> None:
    puller.twilio.next_host = "https://evil.example"
    assert puller().pages == 3
    assert {url.host for url in puller.twilio.asked} == {"api.twilio.com"}


def test_an_answer_that_is_no_page_lands_nothing(puller: Puller) -> None:
    puller.twilio.faults = [httpx.Response(200, text="<html>maintenance</html>")]
    assert "can't be read" in str(puller().error)
    assert [landing.last_line(f.path) for f in landing.files(puller.settings.paths.landing)] == []


def test_a_clock_that_ran_ahead_does_not_silence_it(puller: Puller) -> None:
    puller.now += timedelta(days=400)
    puller()
    puller.now = NOW
    puller()
    assert puller.twilio.asked[-1].params["DateSent>"] == "2026-06-10"


def test_a_run_from_the_future_is_passed_over_for_the_one_before_it(puller: Puller) -> None:
    puller("twilio")
    puller.now += timedelta(days=400)
    puller("twilio")
    puller.now = NOW + timedelta(days=1)
    puller("twilio")
    assert puller.twilio.asked[-1].params["DateSent>"] == "2026-07-08"
    puller.now = NOW + timedelta(days=1, hours=1)
    puller.twilio.faults = [None, httpx.Response(404, json={"code": 20404, "message": "gone"})]
    assert puller("twilio").error
    assert puller("twilio").resumed, "a pull that was killed goes on, whatever lies in the future"


def test_waiting_ends_after_a_while_and_the_next_pull_goes_on_there(puller: Puller) -> None:
    puller.twilio.faults = [None, *[httpx.Response(429, headers={"Retry-After": "250"})] * 3]
    outcome = puller()
    assert outcome.error == "twilio wants more than 600 seconds of waiting; the next pull goes on there"
    assert (outcome.pages, puller.waited) == (1, [250.0, 250.0])
    puller.twilio.faults = [httpx.Response(429, headers={"Retry-After": "250"})]
    assert (puller().error, puller.waited[-1]) == (None, 250.0)


def test_pages_land_verbatim_and_load_again_after_the_warehouse_is_lost(puller: Puller) -> None:
    puller()
    found = puller.events()
    puller.settings.paths.warehouse.unlink()
    assert puller.events() == found
    (file,) = landing.files(puller.settings.paths.landing, "twilio", "history")
    first = landing.decode_envelope(file.path.read_bytes().splitlines()[0])
    assert json.loads(first.raw())["messages"] == puller.twilio.messages[:2]


def test_a_sandbox_is_asked_only_by_its_name(home: Path) -> None:
    puller = Puller(home, 'base_url = "http://127.0.0.1:8500/twilio"')
    assert puller.all() == []
    assert puller("twilio").pages == 3


def test_a_provider_whose_secrets_are_missing_is_left_out_unless_it_is_named(puller: Puller) -> None:
    puller.settings = load({"WABENCH_HOME": str(puller.settings.home)})
    assert puller.all() == []
    with pytest.raises(UsageError, match="WABENCH_TWILIO_ACCOUNT_SID"):
        puller("twilio")


@pytest.mark.parametrize(("name", "told"), [("meta", "nothing can be read back from meta"), ("x", "no provider 'x'")])
def test_a_name_without_a_history_is_told_so(puller: Puller, name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        puller(name)


def test_the_command_takes_the_names_of_sources_and_of_providers(home: Path, puller: Puller) -> None:
    process = start(home, "ingest", "meta")
    printed = " ".join(process.communicate()[0].decode().split())
    assert (process.returncode, "nothing can be read back from meta" in printed) == (2, True), printed
