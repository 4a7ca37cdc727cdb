"""Copies of the ledger for the warehouse, so that models can join sends to what came back."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Table, select

from wabench.campaigns import ledger
from wabench.campaigns.schema import campaigns, heard, replies, sends, variants
from wabench.settings import Settings

_TIME = pa.timestamp("us")
_CAMPAIGNS = (
    "campaign_id", "name", "segment", "provider", "channel_id", "template_name", "language", "category", "status",
    "created_at", "planned_at", "approved_at", "approved_by", "started_at", "finished_at", "template_body",
    "holdout_share", "starts_at", "open_stage", "retry_of",
)  # fmt: skip
_SENDS = (
    "campaign_id", "customer_id", "send_id", "variant", "phone", "user_id", "state", "reason", "message_id",
    "error_code", "error_family", "planned_at", "claimed_at", "outcome_at", "text_length", "is_personalised", "arm",
    "stage",
)  # fmt: skip
_REPLIES = (
    "reply_id", "customer_id", "provider", "channel_id", "written_by", "canned", "state", "reason", "message_id",
    "error_code", "error_family", "asked_at", "claimed_at", "outcome_at",
)  # fmt: skip
_HEARD = (
    "inbound_id", "provider", "message_id", "customer_id", "does", "command", "rule", "tag", "reason", "reply_id",
    "wrote_at", "decided_at",
)  # fmt: skip
_VARIANTS = ("campaign_id", "variant", "share", "template_name", "language", "template_body")
_KINDS = {
    "share": pa.float64(),
    "holdout_share": pa.float64(),
    "text_length": pa.int64(),
    "open_stage": pa.int64(),
    "stage": pa.int64(),
    "is_personalised": pa.bool_(),
}


def copy(settings: Settings) -> dict[str, pa.Table]:
    """Copy the ledger's tables for the warehouse, of one moment; empty ones when there are none.

    What was put into a text for a customer stays in the ledger; its length and whether it names them is copied.
    """
    wanted = {
        "campaigns": (campaigns, _CAMPAIGNS),
        "variants": (variants, _VARIANTS),
        "sends": (sends, _SENDS),
        "replies": (replies, _REPLIES),
        "heard": (heard, _HEARD),
    }
    if not ledger.exists(settings):
        return {name: _arrow(columns, []) for name, (_, columns) in wanted.items()}
    with ledger.opened(settings) as opened, opened.reading() as connection:
        return {name: _arrow(columns, _rows(connection, table, columns)) for name, (table, columns) in wanted.items()}


def _rows(connection: Connection, table: Table, columns: Sequence[str]) -> Sequence[Sequence[Any]]:
    return connection.execute(select(*(table.c[column] for column in columns))).all()


def _arrow(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    kinds = [_TIME if column.endswith("_at") else _KINDS.get(column, pa.string()) for column in columns]
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    arrays = [
        pa.array((v.replace(tzinfo=None) if v else None for v in column) if kind is _TIME else column, kind)
        for column, kind in zip(values, kinds, strict=True)
    ]
    return pa.table(arrays, names=list(columns))
