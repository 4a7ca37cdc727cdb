"""What Prometheus is told, read by its own parser: receiver and scheduler, their numbers, and nobody's name."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import published_shop
import pytest
from campaign_shop import approved, audience, customer, set_up
from hypothesis import given
from hypothesis import strategies as st
from processes import free_port
from prometheus_client.parser import text_string_to_metric_families
from webhooks import sign

from ingest import receiver
from ingest.traffic import told
from wabench import gauges, monitoring
from wabench.campaigns import ledger
from wabench.campaigns.schema import CampaignState
from wabench.metrics import Family, Histogram, Sample, rendered
from wabench.schedule import state
from wabench.schedule.jobs import Outcome, Past
from wabench.schedule.scheduler import Scheduler
from wabench.schedule.state import Run, State
from wabench.settings import Settings

NOW = datetime.now(UTC)
Values = dict[tuple[str, ...], float]


def parsed(families: Iterable[Family]) -> Values:
    """Read them as Prometheus would: by name and the values of the labels."""
    read = text_string_to_metric_families(rendered(families))
    return {(s.name, *s.labels.values()): s.value for family in read for s in family.samples}


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=20), st.floats(-1e9, 1e9))
def test_any_label_and_value_comes_back_from_prometheus_own_parser(label: str, value: float) -> None:
    found = parsed([Family("some_metric", "gauge", "what it is", [Sample(value, {"campaign": label})])])
    assert found == {("some_metric", label): value}


def test_a_histogram_counts_what_stays_within_its_bounds() -> None:
    histogram = Histogram((0.1, 1))
    for seconds in (0.05, 0.1, 0.5, 3):
        histogram.add(seconds)
    found = parsed([Family("took", "histogram", "seconds", histogram.samples())])
    assert found == {
        ("took_bucket", "0.1"): 2, ("took_bucket", "1"): 3, ("took_bucket", "+Inf"): 4, ("took_sum",): 3.65,
        ("took_count",): 4,
    }  # fmt: skip


def test_the_receiver_counts_by_provider_and_outcome_and_tells_it_not_at_its_public_port(settings: Settings) -> None:
    app = receiver.create(settings)

    async def post() -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            body = b'{"object":"whatsapp_business_account","entry":[]}'
            for path in ("meta", "meta", "made-up-1", "made-up-2"):
                await client.post(f"/webhooks/{path}", content=body, headers=sign(body))
            await client.post("/webhooks/meta", content=body)
            return (await client.get("/metrics")).status_code

    assert asyncio.run(post()) == 404
    found = parsed(told(app.state.traffic, settings, NOW))
    assert found["wabench_webhooks_total", "meta", "landed"] == 2
    assert found["wabench_webhooks_total", "meta", "wrong_signature"] == 1
    assert found["wabench_webhooks_total", "unknown", "no_such_provider"] == 2
    assert found["wabench_webhook_seconds_count",] == 5
    assert found["wabench_webhook_last_landed_timestamp_seconds", "meta"] >= NOW.timestamp()


def test_the_scheduler_tells_its_jobs_campaigns_and_the_age_of_what_is_published(home: Path) -> None:
    settings = set_up(home)
    approved(settings, "spring", audience(home, [customer(n) for n in range(3)]))
    with ledger.opened(settings) as opened:
        opened.move(opened.campaign("spring").campaign_id, CampaignState.RUNNING, "maria", NOW, started_at=NOW)
    published_shop.publish_shop(home, "v1", [published_shop.customer(1)])
    run = Run("refresh", NOW, NOW, 1)
    known = State(pasts={"refresh": Past(NOW, 3)}).with_run(run).with_end(run, Outcome.DONE, NOW, "")
    state.save(settings, known)
    as_of = published_shop.AS_OF.replace(tzinfo=UTC)
    text = rendered(Scheduler(settings, NOW, print).families(lambda: as_of + timedelta(minutes=40)))
    found = {(s.name, *s.labels.values()): s.value for f in text_string_to_metric_families(text) for s in f.samples}
    assert found["wabench_job_last_success_timestamp_seconds", "refresh"] == pytest.approx(NOW.timestamp())
    assert found["wabench_job_runs_total", "refresh", "done"] == 1
    assert found["wabench_job_failures", "refresh"] == 3
    assert found["wabench_campaign_sends", "spring", "planned"] == 3
    assert found["wabench_sends_unknown",] == 0
    assert found["wabench_published_age_seconds",] == 2400
    assert found["wabench_dialogs_overdue",] == 7  # the one of 80 minutes comes to two hours now, and is not over it
    assert found["wabench_stores_unreadable",] == 0
    assert "+55" not in text


def test_a_store_that_can_not_be_read_takes_nothing_else_away(home: Path) -> None:
    settings = set_up(home)
    settings.paths.data.mkdir()
    settings.paths.ledger.write_bytes(b"no database at all, and long enough to be looked at" * 100)
    found = parsed(gauges.whole(lambda: gauges.of_campaigns(settings), lambda: gauges.of_published(settings, NOW)))
    assert found == {("wabench_stores_unreadable",): 1}


def test_health_and_metrics_have_a_port_of_their_own_and_a_taken_one_is_no_failure(settings: Settings) -> None:
    port, said = free_port(), list[str]()
    is_well = [True]
    family = Family("some_metric", "gauge", "what it is", [Sample(1, {})])
    with monitoring.watched(settings.metrics_host, port, lambda: [family], lambda: is_well[0], said.append):
        with monitoring.watched("127.0.0.1", port, list, lambda: True, said.append):
            pass
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
        assert parsed([family]) == {("some_metric",): 1.0}
        assert answer.text == rendered([family])
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
        is_well[0] = False
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 503
    assert [line.partition(" (")[0] for line in said] == [f"no metrics: can't listen on 127.0.0.1:{port}"]
