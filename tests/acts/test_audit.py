import csv
import io
from datetime import UTC, datetime

import pytest

from wabench.acts import audit
from wabench.campaigns import ledger
from wabench.campaigns.audit import Asked
from wabench.errors import Refused
from wabench.roles import Actor, Role
from wabench.settings import Settings

ADMIN = Actor("ольга", Role.ADMIN)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def written(settings: Settings) -> Settings:
    with ledger.opened(settings) as opened:
        opened.record("ана", "export", NOON, detail="=cold_90d")
        opened.record("webhook meta:1", "opted_out", NOON)
        opened.record("ольга", "approve", NOON, detail="spring")
        opened.record("ана", "plan", NOON, detail="spring")
    return settings


def test_lines_come_newest_first_without_what_machines_did(written: Settings) -> None:
    found = audit.lines(written, ADMIN, Asked())
    assert [(line["actor"], line["action"]) for line in found] == [
        ("ана", "plan"), ("ольга", "approve"), ("ана", "export"),
    ]  # fmt: skip
    assert found[0]["at"] == NOON
    assert len(audit.lines(written, ADMIN, Asked(with_machines=True))) == 4


def test_lines_are_those_of_the_people_and_actions_asked_for(written: Settings) -> None:
    assert audit.names(written, ADMIN) == (["ана", "ольга"], ["approve", "export", "plan"])
    assert [line["action"] for line in audit.lines(written, ADMIN, Asked(actors=["ана"]))] == ["plan", "export"]
    assert [line["actor"] for line in audit.lines(written, ADMIN, Asked(actions=["approve"]))] == ["ольга"]
    assert audit.lines(written, ADMIN, Asked(actors=["ана"], actions=["approve"])) == []


def test_an_export_is_formula_safe_whole_and_a_line_itself(written: Settings) -> None:
    rows = list(csv.DictReader(io.StringIO(audit.export(written, ADMIN, Asked(actors=["ана"])).decode("utf-8"))))
    assert [(row["at"], row["action"], row["detail"]) for row in rows] == [
        ("2026-11-22T12:00:00+00:00", "plan", "spring"),
        ("2026-11-22T12:00:00+00:00", "export", "'=cold_90d"),
    ]
    newest = audit.lines(written, ADMIN, Asked())[0]
    assert (newest["actor"], newest["action"], newest["detail"]) == (
        "ольга", "export the audit", "by ана; all actions",
    )  # fmt: skip


@pytest.mark.parametrize("role", [Role.ANALYST, Role.MARKETER, Role.APPROVER])
def test_nobody_but_an_admin_reads_it_and_the_attempt_is_a_line(role: Role, written: Settings) -> None:
    other = Actor("иван", role)
    for read in (audit.lines, audit.export):
        with pytest.raises(Refused, match="who may not read the audit; ask an admin"):
            read(written, other, Asked())
    with pytest.raises(Refused, match="ask an admin"):
        audit.names(written, other)
    assert [line["action"] for line in audit.lines(written, ADMIN, Asked(actors=["иван"]))] == [
        "refused: read the audit", "refused: export the audit", "refused: read the audit",
    ]  # fmt: skip


def test_a_shop_without_a_ledger_has_no_lines_and_gets_no_ledger(settings: Settings) -> None:
    assert audit.lines(settings, ADMIN, Asked()) == []
    assert audit.names(settings, ADMIN) == ([], [])
    assert not settings.paths.ledger.exists()
