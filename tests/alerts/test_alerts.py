"""What people are told: who waits too long, what stands; once, again much later, and nobody's phone."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import published_shop
import pytest

from wabench.alerts import telling
from wabench.alerts.standing import Alert, standing
from wabench.campaigns import ledger
from wabench.campaigns.schema import heard, replies
from wabench.errors import WabenchError
from wabench.settings import Settings, load

NOW = published_shop.AS_OF.replace(tzinfo=UTC)
URL = "https://hooks.example/services/T0/s3cret"
IDENTITY = """
    insert into fct_alerts (alert_id, alert, severity, subject, subject_name, value, threshold, denominator, raised_at)
    values ('shared_identity:x', 'shared_identity', 'warning', 'x', '+5511987654321 in crm', 6, 5, 1, now()::timestamp)
"""


class Hook:
    """Takes what is posted, as long as it is well."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == URL
        if self.status == 0:
            raise httpx.ConnectError(f"{URL} refused")
        if self.status == 200:
            self.texts.append(json.loads(request.content)["text"])
        return httpx.Response(self.status)

    def tell(self, settings: Settings, alerts: list[Alert], now: datetime = NOW) -> int:
        return telling.tell(settings, alerts, now, httpx.MockTransport(self))


@pytest.fixture(scope="module")
def published_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("shop")
    published_shop.publish_shop(home, "v1", [published_shop.customer(n) for n in range(40)], also=[IDENTITY])
    return home


@pytest.fixture
def shop(published_home: Path) -> Settings:
    for left in ("alerts.json", "ledger.db"):
        (published_home / "data" / left).unlink(missing_ok=True)
    return load({"WABENCH_HOME": str(published_home), "WABENCH_ALERT_URL": URL})


def dialogs(settings: Settings, now: datetime = NOW) -> dict[str, str]:
    """Give who is to be told of, by dialog, with the step they have reached."""
    keys = [alert.key.split(":") for alert in standing(settings, now) if alert.is_dialog]
    return {dialog: step for _, dialog, step in keys}


def test_a_dialog_comes_to_wait_too_long_between_two_refreshes(shop: Settings) -> None:
    """In the shop dialog n began 20 n² minutes ago: 20 and 80 minutes, 3 hours, 12 and more."""
    assert dialogs(shop) == {"d3": "2", **dict.fromkeys(("d6", "d9", "d12", "d15", "d18", "d21"), "4")}
    almost = timedelta(minutes=40) - timedelta(seconds=1)
    assert "d2" not in dialogs(shop, NOW + almost)
    assert dialogs(shop, NOW + timedelta(minutes=40))["d2"] == "2"
    assert dialogs(shop, NOW + timedelta(hours=1))["d3"] == "4"


def test_high_order_values_are_told_first_and_no_phone_stands_in_it(shop: Settings) -> None:
    hook, found = Hook(), standing(shop, NOW)
    values = [alert.text.split("order value ")[1].split(",")[0] for alert in found if alert.is_dialog]
    assert values == sorted(values, key=["high", "medium", "low", "none"].index)
    assert hook.tell(shop, found) == len(found)
    [text] = hook.texts
    assert text.startswith("7 customers wait for an answer")
    assert "shared identity: •••• in crm (6; the line is 5)" in text
    assert "5511" not in text
    assert "Анна" not in text
    kept = (shop.paths.data / "alerts.json").read_text()
    assert "5511" not in kept


def reply(settings: Settings, customer: str, at: datetime, does: str | None = None, state: str = "accepted") -> None:
    row = dict.fromkeys(("provider", "channel_id", "written_by", "author", "text"), "x")
    with ledger.opened(settings) as opened, opened.writing() as connection:
        values = {"reply_id": customer, "customer_id": customer, "state": state, "attempts": 1, "spent_keys": 0}
        connection.execute(replies.insert().values(row | values | {"asked_at": at}))
        if does:
            told = dict.fromkeys(("inbound_id", "provider", "channel_id", "message_id"), "x")
            ids = {"customer_id": customer, "reply_id": customer, "does": does, "wrote_at": at, "decided_at": at}
            connection.execute(heard.insert().values(told | ids))


def test_who_was_answered_from_here_since_waits_no_more_but_who_was_handed_over_does(shop: Settings) -> None:
    reply(shop, "c0003", NOW)
    reply(shop, "c0006", NOW, "hand_over")
    reply(shop, "c0009", NOW, state="rejected")
    reply(shop, "c0012", NOW - timedelta(days=30))  # before they wrote
    assert set(dialogs(shop)) == {"d6", "d9", "d12", "d15", "d18", "d21"}


def test_what_stands_is_told_once_and_again_when_it_still_stands_much_later(shop: Settings) -> None:
    hook, first, second = Hook(), Alert("a", "one"), Alert("b", "two")
    assert hook.tell(shop, [first]) == 1
    assert hook.tell(shop, [first, second], NOW + timedelta(minutes=1)) == 1
    assert hook.texts == ["• one", "• two"]
    again = NOW + timedelta(hours=shop.alert_again_hours)
    assert hook.tell(shop, [first, second], again - timedelta(seconds=1)) == 0
    assert hook.tell(shop, [first, second], again) == 1
    assert hook.tell(shop, [second], again) == 0
    assert hook.tell(shop, [first, second], again + timedelta(seconds=1)) == 1  # it was gone, and came back


@pytest.mark.parametrize("status", [0, 302, 404, 500])
def test_what_could_not_be_told_is_told_later_and_the_address_is_never_shown(shop: Settings, status: int) -> None:
    hook, alert = Hook(), Alert("a", "one")
    hook.status = status
    with pytest.raises(WabenchError) as caught:
        hook.tell(shop, [alert])
    assert "s3cret" not in str(caught.value) + repr(caught.value.__cause__)
    hook.status = 200
    assert hook.tell(shop, [alert]) == 1


def test_a_flood_is_one_message_of_moderate_length(shop: Settings) -> None:
    hook = Hook()
    flood = [Alert(f"dialog:{n}:2", f"number {n}", is_dialog=True) for n in range(400)]
    hook.tell(shop, flood)
    assert hook.texts[0].splitlines()[-1] == "… and 390 more"


def test_nobody_is_told_without_an_address_and_nothing_stands_where_nothing_is_published(
    home: Path, settings_with: Callable[..., Settings]
) -> None:
    settings = settings_with()
    assert standing(settings, NOW) == []
    assert Hook().tell(settings, [Alert("a", "one")]) == 0
    assert list(home.iterdir()) == []
