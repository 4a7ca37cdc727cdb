"""Pulls against a local API that pages, throttles, fails and forgets as real ones do."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingest import landing, loader
from ingest.pull import PullOutcome, pull
from wabench.errors import UsageError
from wabench.settings import Settings, load

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TOKEN = "crm-token"


class Crm:
    """A CRM of 25 orders, ten a page, in one of six ways of paging; `faults` are answered first."""

    def __init__(self, style: str) -> None:
        self.style = style
        self.orders = [{"id": n, "at": "2026-06-01T00:00:00Z", "sum": n} for n in range(25)]
        self.faults: list[httpx.Response | Exception] = []
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.faults and (fault := self.faults.pop(0)):
            if isinstance(fault, Exception):
                raise fault
            return fault
        assert request.headers["X-Token"] == f"key {TOKEN}"
        query = request.url.params
        at = {"page": (int(query.get("p", 1)) - 1) * 10, "none": 0}.get(self.style, int(query.get("p", 0)))
        found = self.orders if self.style == "none" else self.orders[at : at + 10]
        more = at + 10 < len(self.orders)
        answer: dict[str, Any] = {"orders": found}
        headers = {}
        if self.style == "cursor":
            answer["meta"] = {"next": str(at + 10) if more else None}
        elif self.style == "next_url" and more:
            answer["meta"] = {"next": f"/api/orders?p={at + 10}"}
        elif self.style == "link" and more:
            headers["Link"] = f'<http://crm.example/api/orders?p={at + 10}>; rel="next"'
        return httpx.Response(200, json=answer, headers=headers)


def shop(home: Path, style: str) -> Settings:
    (home / "wabench.toml").write_text(
        f"""
        [sources.crm]
        base_url = "http://crm.example/api"
        auth_header = "X-Token"
        auth_format = "key {{token}}"
        [sources.crm.streams.orders]
        path = "orders"
        records = "orders"
        updated_since = "since"
        map = {{ order_id = "id", ordered_at = "at", total = "sum" }}
        paging = {{ style = "{style}", parameter = "p", next_path = "meta.next", size_parameter = "limit", size = 10 }}
        """
    )
    return load({"WABENCH_HOME": str(home), "WABENCH_SOURCE_CRM_TOKEN": TOKEN})


class Puller:
    """Pulls with a fake clock and remembers how long it was told to wait."""

    def __init__(self, home: Path, style: str) -> None:
        self.settings = shop(home, style)
        self.crm = Crm(style)
        self.waited: list[float] = []
        self.now = NOW

    def __call__(self, **options: Any) -> PullOutcome:
        (outcome,) = pull(
            self.settings,
            transport=httpx.MockTransport(self.crm),
            sleep=self.waited.append,
            clock=self.tick,
            **options,
        )
        return outcome

    def tick(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def orders(self) -> int:
        loader.load(self.settings)
        connection = loader.connect(self.settings)
        try:
            return connection.execute("select count(*) from raw.orders").fetchall()[0][0]
        finally:
            connection.close()


@pytest.fixture
def puller(home: Path) -> Callable[[str], Puller]:
    return lambda style: Puller(home, style)


@pytest.mark.parametrize("style", ["none", "page", "offset", "cursor", "link", "next_url"])
def test_every_way_of_paging_gives_every_order_once(style: str, puller: Callable[[str], Puller]) -> None:
    crm = puller(style)
    outcome = crm()
    assert (outcome.records, outcome.error) == (25, None)
    assert crm.orders() == 25


def test_the_next_pull_asks_for_what_changed_since_with_some_overlap(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm()
    assert "since" not in crm.crm.asked[0].url.params
    crm.now += timedelta(days=1)
    crm()
    assert crm.crm.asked[3].url.params["since"] == "2026-07-01T11:55:00Z"
    assert crm.orders() == 25
    crm()
    assert crm(full=True).records == 25
    assert "since" not in crm.crm.asked[-1].url.params


def test_a_pull_that_died_goes_on_from_its_last_page_and_asks_none_again(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm()
    crm.now += timedelta(days=1)
    crm.crm.faults = [None, httpx.Response(404)]  # type: ignore[list-item]
    died = crm()
    assert died.pages == 1
    assert died.error is not None
    assert "HTTP 404" in died.error
    crm.now += timedelta(hours=1)
    crm.crm.asked.clear()
    rest = crm()
    assert (rest.resumed, rest.pages) == (True, 2)
    first = crm.crm.asked[0].url.params
    assert (first["p"], first["since"]) == ("10", "2026-07-01T11:55:00Z")
    crm.now += timedelta(hours=1)
    crm()
    assert crm.crm.asked[-3].url.params["since"] == "2026-07-02T11:55:00Z", "since the run began, not since it resumed"


def test_a_place_that_expired_is_begun_again_rather_than_stuck(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm.crm.faults = [None, httpx.Response(400)]  # type: ignore[list-item]
    assert crm().error
    crm.crm.faults = [httpx.Response(410)]
    outcome = crm()
    assert (outcome.error, outcome.pages) == (None, 3)
    assert crm.orders() == 25


def test_throttling_waits_as_long_as_it_is_told_and_no_page_is_lost(puller: Callable[[str], Puller]) -> None:
    crm = puller("page")
    crm.crm.faults = [httpx.Response(429, headers={"Retry-After": "17"}), httpx.Response(503), httpx.Response(503)]
    assert crm().records == 25
    assert crm.waited == [17.0, 2.0, 4.0]


def test_no_network_gives_up_after_a_while_and_says_where(puller: Callable[[str], Puller]) -> None:
    crm = puller("page")
    crm.crm.faults = [httpx.ConnectError("no route to host")] * 8
    outcome = crm()
    assert outcome.error is not None
    assert "no route to host" in outcome.error
    assert len(crm.waited) == 7
    assert crm().error is None


def test_a_refused_token_names_the_setting_and_not_the_token(puller: Callable[[str], Puller]) -> None:
    crm = puller("page")
    crm.crm.faults = [httpx.Response(401)]
    outcome = crm()
    assert outcome.error is not None
    assert "WABENCH_SOURCE_CRM_TOKEN" in outcome.error
    assert TOKEN not in outcome.error


def test_the_token_never_goes_to_another_host(puller: Callable[[str], Puller]) -> None:
    crm = puller("next_url")
    crm.crm.faults = [httpx.Response(200, json={"orders": [1], "meta": {"next": "http://evil.example/x"}})]
    assert "another host" in str(crm().error)
    assert {request.url.host for request in crm.crm.asked} == {"crm.example"}


def test_an_answer_that_is_no_json_lands_nothing(puller: Callable[[str], Puller]) -> None:
    crm = puller("page")
    crm.crm.faults = [httpx.Response(200, text="<html>maintenance</html>")]
    assert "no JSON" in str(crm().error)
    assert [landing.last_line(f.path) for f in landing.files(crm.settings.paths.landing)] == []


def test_an_error_that_comes_as_200_is_no_empty_list(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm.crm.faults = [httpx.Response(200, json={"error": "QUERY_LIMIT_EXCEEDED"})]
    assert "QUERY_LIMIT_EXCEEDED" in str(crm().error)
    assert "since" not in crm.crm.asked[-1].url.params
    assert crm().records == 25


def test_an_answer_that_can_not_be_decoded_ends_this_source_alone(puller: Callable[[str], Puller]) -> None:
    crm = puller("page")
    crm.crm.faults = [httpx.DecodingError("not gzip")] * 8
    assert crm().error
    assert crm().records == 25


def test_a_clock_that_ran_ahead_does_not_silence_the_source(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm.now += timedelta(days=400)
    crm()
    crm.now = NOW
    crm()
    assert "since" not in crm.crm.asked[-1].url.params


def test_a_list_that_names_itself_as_its_next_page_ends(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    loop = {"orders": [{"id": 1}], "meta": {"next": "10"}}
    crm.crm.faults = [httpx.Response(200, content=json.dumps(loop)) for _ in range(3)]
    assert "names itself" in str(crm().error)


def test_a_place_that_expired_may_be_told_in_an_answer_of_200(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm.crm.faults = [None, httpx.Response(404)]  # type: ignore[list-item]
    assert crm().error
    crm.crm.faults = [httpx.Response(200, json={"error": "cursor expired"})]
    outcome = crm()
    assert (outcome.error, outcome.resumed, outcome.pages, crm.orders()) == (None, False, 3, 25)


@pytest.mark.parametrize("style", ["page", "offset"])
def test_a_list_that_answers_its_last_page_for_any_later_one_ends_with_a_line(
    style: str, puller: Callable[[str], Puller]
) -> None:
    crm = puller(style)
    first, asked = crm.crm.orders[:10], list[httpx.Request]()

    def same(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        assert len(asked) < 5
        return httpx.Response(200, json={"orders": first, "now": len(asked)})

    crm.crm = same  # type: ignore[assignment]
    outcome = crm()
    assert "answers what the page before it did" in str(outcome.error)
    assert (outcome.pages, crm.orders()) == (1, 10)


def complete(settings: Settings, rows: str = "is_full, started_at") -> list[tuple[Any, ...]]:
    loader.load(settings)
    connection = loader.connect(settings)
    try:
        return connection.execute(f"select {rows} from raw.pulls order by started_at").fetchall()
    finally:
        connection.close()


def weekly(crm: Puller) -> None:
    """Say of the shop's list that it always shows everything."""
    crm.settings = crm.settings.model_copy(
        update={"sources": {"crm": crm.settings.sources["crm"].model_copy(update={"full_every_days": 7})}}
    )


def test_every_so_often_everything_is_asked_for_again(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    weekly(crm)
    asked = []
    for _ in range(16):
        crm.crm.asked.clear()
        crm()
        asked.append("since" not in crm.crm.asked[0].url.params)
        crm.now += timedelta(days=1)
    assert [day for day, is_full in enumerate(asked) if is_full] == [0, 7, 14]
    assert [row[0] for row in complete(crm.settings)] == asked


def test_a_full_pull_that_died_goes_on_as_a_full_one(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    weekly(crm)
    crm()
    crm.now += timedelta(days=8)
    crm.crm.faults = [None, httpx.Response(404)]  # type: ignore[list-item]
    assert crm().error
    crm.now += timedelta(days=8)
    assert crm().resumed
    assert "since" not in crm.crm.asked[-1].url.params
    assert [row[0] for row in complete(crm.settings)] == [True, True]
    crm()
    assert "since" not in crm.crm.asked[-1].url.params, "the one that was resumed is a week old by now"


def test_nothing_is_taken_for_deleted_where_nobody_said_that_a_list_is_whole(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm()
    crm.now += timedelta(days=30)
    crm()
    assert "since" in crm.crm.asked[-1].url.params
    crm(full=True)
    assert [row[0] for row in complete(crm.settings)] == [False] * 3


def test_pulls_are_the_same_rows_after_a_rebuild_from_landing(puller: Callable[[str], Puller]) -> None:
    crm = puller("page")
    crm()
    crm()
    before = complete(crm.settings, "* exclude (load_id)")
    crm.settings.paths.warehouse.unlink()
    assert complete(crm.settings, "* exclude (load_id)") == before
    assert len(before) == 2


def test_a_pull_that_has_not_ended_is_no_completed_pull(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm.crm.faults = [None, httpx.Response(404)]  # type: ignore[list-item]
    crm()
    assert complete(crm.settings) == []


def test_what_a_source_says_of_its_error_comes_without_our_token(puller: Callable[[str], Puller]) -> None:
    crm = puller("page")
    crm.crm.faults = [httpx.Response(400, text=f"bad key {TOKEN} in\n{'x' * 500}")]
    said = str(crm().error)
    assert "bad key … in x" in said
    assert TOKEN not in said
    assert len(said) < 320


def test_a_permission_that_lacks_does_not_begin_the_pull_again(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm.crm.faults = [None, httpx.Response(401)]  # type: ignore[list-item]
    crm()
    crm.crm.faults = [httpx.Response(401)]
    assert "WABENCH_SOURCE_CRM_TOKEN" in str(crm().error)
    crm.crm.asked.clear()
    assert (crm().resumed, crm.crm.asked[0].url.params["p"]) == (True, "10")


def test_a_source_of_a_kind_there_is_not_is_named(home: Path) -> None:
    (home / "wabench.toml").write_text('[sources.crm]\nkind = "shopfy"\nbase_url = "https://crm.example"')
    with pytest.raises(UsageError, match="did you mean 'shopify'"):
        pull(load({"WABENCH_HOME": str(home)}))


def test_streams_are_for_rest_alone(home: Path) -> None:
    (home / "wabench.toml").write_text(
        '[sources.crm]\nkind = "shopify"\nbase_url = "https://crm.example"\n'
        '[sources.crm.streams.orders]\npath = "x"\nmap = {}'
    )
    with pytest.raises(UsageError, match="kind shopify knows its streams"):
        load({"WABENCH_HOME": str(home)})


def test_a_pace_is_kept_between_requests(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    source = crm.settings.sources["crm"].model_copy(update={"options": {"requests_per_second": "4"}})
    crm.settings = crm.settings.model_copy(update={"sources": {"crm": source}})
    crm()
    assert [round(seconds, 3) for seconds in crm.waited] == [0.25, 0.25]


def test_an_unknown_source_is_named(settings: Settings) -> None:
    with pytest.raises(UsageError, match=r"no \[sources.nobody\]"):
        pull(settings, ["nobody"])


def landed(crm: Puller) -> list[dict[str, Any]]:
    """Give what the pages say of their pull, oldest first."""
    lines = [line for file in landing.files(crm.settings.paths.landing) for line in file.path.read_bytes().splitlines()]
    return [landing.decode_envelope(line).pull or {} for line in lines]


def test_an_answer_nobody_foresaw_ends_its_feed_alone_and_says_so(puller: Callable[[str], Puller]) -> None:
    crm = puller("next_url")
    crm.crm.faults = [httpx.Response(200, json={"orders": [{"id": 1}], "meta": {"next": "http://[bad"}})]
    assert "answered what is not documented (" in str(crm().error)
    assert crm().error is None


def test_a_date_to_wait_for_without_a_zone_is_utc(puller: Callable[[str], Puller]) -> None:
    crm = puller("page")
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=100)).replace("+0000", "-0000")
    crm.crm.faults = [httpx.Response(429, headers={"Retry-After": until})]
    assert crm().records == 25
    assert 90 < crm.waited[0] <= 100


def test_a_run_from_the_future_is_passed_over_for_the_one_before_it(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm()
    crm.now += timedelta(days=400)
    crm()
    crm.now = NOW + timedelta(days=1)
    for _ in range(2):
        crm.crm.asked.clear()
        crm()
        assert crm.crm.asked[0].url.params["since"].startswith("2026-07-0"), "neither all again, nor nothing"
    crm.crm.faults = [None, httpx.Response(404)]  # type: ignore[list-item]
    crm()
    assert crm().resumed, "a pull that was killed goes on, whatever lies in the future"


def moved(crm: Puller, **fields: Any) -> None:
    source = crm.settings.sources["crm"].model_copy(update=fields)
    crm.settings = crm.settings.model_copy(update={"sources": {"crm": source}})


@pytest.mark.parametrize("is_killed", [False, True])
def test_another_address_is_another_shop_whose_history_is_pulled_from_its_beginning(
    is_killed: bool, puller: Callable[[str], Puller]
) -> None:
    crm = puller("cursor")
    crm.crm.faults = [None, httpx.Response(404)] if is_killed else []  # type: ignore[list-item]
    crm()
    crm.now += timedelta(days=1)
    moved(crm, base_url="http://other.example/api")
    crm.crm.asked.clear()
    outcome = crm()
    first = crm.crm.asked[0].url
    assert (outcome.resumed, first.host, "since" in first.params, "p" in first.params) == (
        False, "other.example", False, False,
    )  # fmt: skip
    crm()
    assert "since" in crm.crm.asked[-1].url.params


def test_settings_that_ask_for_the_same_records_begin_nothing_anew(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm()
    moved(crm, base_url="http://CRM.example/api/", options={"page_size": "5"}, overlap_seconds=60)
    crm()
    assert "since" in crm.crm.asked[-1].url.params


def test_pages_that_do_not_say_whose_they_are_are_taken_for_this_shops(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm()
    (file,) = landing.files(crm.settings.paths.landing)
    run = {key: value for key, value in landed(crm)[-1].items() if key not in ("shop", "seen", "confirmed")}
    file.path.write_bytes(
        landing.envelope(b'{"orders":[]}', NOW, valid_json=True, pull={**run, "next": {"cursor": "10"}})
    )
    crm.crm.asked.clear()
    assert crm().resumed
    assert landed(crm)[-1]["seen"] is None, "how many its first part showed is not known"
    assert crm.orders() == 15


def test_a_fast_clock_of_ours_loses_no_change(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    server = crm.crm

    def dated(request: httpx.Request) -> httpx.Response:
        response = server(request)
        response.headers["Date"] = format_datetime(crm.now - timedelta(minutes=20), usegmt=True)
        return response

    crm.crm = dated  # type: ignore[assignment]
    crm()
    crm.now += timedelta(minutes=30)
    crm()
    assert server.asked[-1].url.params["since"] == "2026-07-01T11:35:00Z", "noon less 20 minutes and the overlap"
    assert [page["started_at"][:16] for page in landed(crm)[::3]] == ["2026-07-01T12:00", "2026-07-01T12:30"], (
        "what is deleted is told by when pages came, which is by our clock"
    )


@pytest.mark.parametrize("date", ["Wed, 01 Jul 2026 15:00:00 GMT", "soon", ""])
def test_a_clock_that_is_right_or_slow_stands(date: str, puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    server = crm.crm

    def dated(request: httpx.Request) -> httpx.Response:
        response = server(request)
        response.headers["Date"] = date
        return response

    crm.crm = dated  # type: ignore[assignment]
    crm()
    crm.now += timedelta(days=1)
    crm()
    assert server.asked[-1].url.params["since"] == "2026-07-01T11:55:00Z"


def test_half_a_surrogate_pair_stops_no_source(puller: Callable[[str], Puller]) -> None:
    crm = puller("none")
    crm.crm.faults = [httpx.Response(200, content=json.dumps({"orders": [{**crm.crm.orders[3], "id": "\ud83d"}]}))]
    assert (crm().error, crm.orders()) == (None, 1)


def test_waiting_ends_after_a_while_and_the_next_pull_goes_on_there(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm.crm.faults = [None, *[httpx.Response(429, headers={"Retry-After": "250"})] * 3]  # type: ignore[list-item]
    outcome = crm()
    assert outcome.error == "source crm wants more than 600 seconds of waiting; the next pull goes on there"
    assert (outcome.pages, crm.waited) == (1, [250.0, 250.0])
    crm.crm.faults = [httpx.Response(429, headers={"Retry-After": "250"})]
    again = crm()
    assert (again.error, again.resumed, again.pages) == (None, True, 2)


def test_a_server_that_keeps_us_hanging_is_not_waited_for_longer_than_one_that_says_so(
    puller: Callable[[str], Puller],
) -> None:
    crm = puller("cursor")
    server = crm.crm

    def hanging(request: httpx.Request) -> httpx.Response:
        crm.now += timedelta(seconds=55)
        server.asked.append(request)
        raise httpx.ReadTimeout("timed out")

    crm.crm = hanging  # type: ignore[assignment]
    moved(crm, options={"waiting_seconds": "180"})
    assert "wants more than 180 seconds of waiting" in str(crm().error)
    assert len(server.asked) == 4, "55 + 1 + 55 + 2 + 55 + 4 are 172"


def test_how_long_a_pull_may_wait_is_a_setting(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    moved(crm, options={"waiting_seconds": "4000"})
    crm.crm.faults = [httpx.Response(429, headers={"Retry-After": "3600"})]
    assert crm().error is None


def test_every_page_says_how_many_records_its_pull_has_shown_and_who_asked(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm.crm.faults = [None, httpx.Response(404)]  # type: ignore[list-item]
    crm(full=True)
    crm.now += timedelta(hours=1)
    crm()
    crm()
    assert [(page["seen"], page["confirmed"]) for page in landed(crm)] == [
        (10, True), (20, True), (25, True), (10, False), (20, False), (25, False),
    ]  # fmt: skip


def test_a_pull_that_begins_anew_counts_anew(puller: Callable[[str], Puller]) -> None:
    crm = puller("cursor")
    crm.crm.faults = [None, httpx.Response(400)]  # type: ignore[list-item]
    crm()
    crm.crm.faults = [httpx.Response(410)]
    crm()
    assert [page["seen"] for page in landed(crm)] == [10, 10, 20, 25]
