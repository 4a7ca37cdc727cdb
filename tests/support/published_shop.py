"""A small published file for tests of its readers: the marts' columns, and customers a reader may stumble on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from wabench.publish import Run, publish
from wabench.settings import load

AS_OF = datetime(2026, 11, 22, 18, 0)  # noqa: DTZ001  # the marts' times are naive and mean UTC
NAMES = ("Анна Петрова", "José d'Ávila", 'Ben "B" O\'Neil', "=cmd|'/c calc'!A0", "李雷", None)
FACTS = (
    "fct_messages",
    "fct_dialogs",
    "fct_orders",
    "fct_campaigns",
    "fct_sends",
    "dim_prices",
    "fct_segment_effectiveness",
    "snap_customer_tags",
    "fct_alerts",
    "dim_campaigns",
    "dim_identities",
    "meta_sources",
    "meta_refreshes",
    "fct_ltv_fits",
    "fct_ltv_backtest",
    "fct_ltv_cohorts",
    "fct_ltv_months",
    "fct_engagement_hours",
    "fct_reply_delays",
    "fct_content_effectiveness",
    "fct_campaign_months",
    "fct_provider_costs",
    "fct_limits",
    "meta_tests",
)
COUNTRIES = ("RU", "BR", "NO", None)

DIM_CUSTOMERS = """
create or replace table dim_customers (
    customer_id text, name text, email text, phone text, user_id text, username text, country text, locale text,
    timezone text, local_timezone text, is_reachable boolean, consent text, consent_at timestamp, consent_source text,
    first_seen_at timestamp, first_order_at timestamp, last_order_at timestamp,
    orders_30d bigint, orders_90d bigint, orders_365d bigint, orders bigint,
    net_revenue_30d decimal(18, 4), net_revenue_90d decimal(18, 4), net_revenue_365d decimal(18, 4),
    net_revenue decimal(18, 4), average_order_value decimal(18, 4),
    ltv_historic decimal(18, 4), ltv_expected_12m decimal(18, 4), ltv_expected_12m_low decimal(18, 4),
    ltv_expected_12m_high decimal(18, 4), ltv_expected_12m_variance double, expected_orders_12m double, p_alive double,
    churn_risk text, ltv_band text, expected_next_order_at timestamp, ltv_basis text, currency text,
    last_interaction_at timestamp, days_since_interaction bigint,
    messages_received_7d bigint, messages_received_30d bigint, messages_received_90d bigint, messages_received bigint,
    messages_read_7d bigint, messages_read_30d bigint, messages_read_90d bigint, messages_read bigint,
    messages_replied_7d bigint, messages_replied_30d bigint, messages_replied_90d bigint, messages_replied bigint,
    read_rate double, reply_rate double, best_hour integer, best_hour_messages bigint,
    last_promotional_at timestamp, last_inbound_at timestamp,
    window_open_until timestamp, is_window_open boolean, frequency_tag text, order_value_tag text,
    engagement_tag text, rfm_recency integer, rfm_frequency integer, rfm_monetary integer, rfm_group text,
    bucket integer
)
"""


def customer(number: int) -> dict[str, Any]:
    """Make one customer out of a number; small numbers cover every tag, and every kind of missing value."""
    orders = number % 5
    last_order = AS_OF - timedelta(days=(number * 7) % 200) if orders else None
    days = None if number % 4 == 3 else (number * 11) % 120
    phone = f"+5511{900000000 + number}" if number % 7 else None
    user_id = None if number % 3 else f"BR.{number}"
    average = Decimal(number * 13 % 300) if orders else None
    return {
        "customer_id": f"c{number:04}",
        "name": NAMES[number % len(NAMES)],
        "email": f"person{number}@example.com" if number % 2 else None,
        "phone": phone,
        "user_id": user_id,
        "country": COUNTRIES[number % len(COUNTRIES)],
        "local_timezone": ("Europe/Moscow", "America/Sao_Paulo")[number % 2],
        "is_reachable": bool(phone or user_id),
        "consent": ("opted_in", "opted_in", "unknown", "opted_out")[number % 4],
        "first_seen_at": AS_OF - timedelta(days=300),
        "first_order_at": last_order and last_order - timedelta(days=orders * 10),
        "last_order_at": last_order,
        "orders_90d": orders if last_order and last_order > AS_OF - timedelta(days=90) else 0,
        "orders": orders,
        "net_revenue": (average or Decimal(0)) * orders,
        "average_order_value": average,
        **_expected(orders, average, number),
        "currency": "USD",
        "last_interaction_at": None if days is None else AS_OF - timedelta(days=days),
        "days_since_interaction": days,
        "messages_received": number % 6,
        "messages_read": number % 3,
        "read_rate": (number % 3) / (number % 6) if number % 6 else None,
        "best_hour": number % 24,
        "best_hour_messages": number % 3,
        "is_window_open": days == 0,
        "frequency_tag": ("none", "rare", "quarterly", "monthly", "monthly")[orders],
        "order_value_tag": _value_tag(average),
        "engagement_tag": _engagement_tag(days),
        "rfm_recency": 1 + number % 5 if orders else None,
        "rfm_frequency": orders + 1 if orders else None,
        "rfm_monetary": 1 + number % 3 if orders else None,
        "rfm_group": ("none", "lost", "new", "loyal", "champions")[orders],
        "bucket": number * 7919 % 10_000,
    }


def publish_shop(
    home: Path, version: str, customers: Sequence[dict[str, Any]], is_empty: bool = False, also: Sequence[str] = ()
) -> Path:
    """Publish a shop of these customers, as a refresh does; an empty one has no orders or messages either.

    What it would have besides is for `also` to say, in SQL.
    """
    settings = load({"WABENCH_HOME": str(home)})
    settings.paths.data.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(settings.paths.warehouse) as connection:
        connection.execute("create schema if not exists marts; set schema = 'marts'")
        connection.execute(DIM_CUSTOMERS)
        if customers:
            columns = dict.fromkeys(
                column for row in customers for column in row
            )  # pyarrow takes the first row's alone
            connection.register("rows", pa.Table.from_pylist([dict.fromkeys(columns) | row for row in customers]))
            connection.execute("insert into dim_customers by name select * from rows")
        for file in ("published_shop.sql", "published_marts.sql"):
            connection.execute((Path(__file__).parent / file).read_text(encoding="utf-8"))
        for table in FACTS if is_empty else ():
            connection.execute(f"delete from {table}")
        for statement in also:
            connection.execute(statement)
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    publish(settings, Run(version, AS_OF, AS_OF), [table for (table,) in tables])
    return settings.paths.published / f"{version}.duckdb"


def _expected(orders: int, average: Decimal | None, number: int) -> dict[str, Any]:
    if average is None:
        return {"ltv_historic": Decimal(0), "churn_risk": "none", "ltv_band": "none", "ltv_basis": "none"}
    return {
        "ltv_historic": average * orders,
        "ltv_expected_12m": average * 2,
        "ltv_expected_12m_low": average / 2,
        "ltv_expected_12m_high": average * 5,
        "ltv_expected_12m_variance": float(average * average),
        "expected_orders_12m": 2.0,
        "p_alive": number % 10 / 10,
        "ltv_band": ("low", "medium", "high")[number % 3],
        "churn_risk": "high" if number % 10 < 3 else "medium" if number % 10 < 7 else "low",
        "expected_next_order_at": AS_OF + timedelta(days=number % 90),
        "ltv_basis": "model",
    }


def _value_tag(average: Decimal | None) -> str:
    if average is None:
        return "none"
    return "low" if average < 50 else "medium" if average <= 200 else "high"


def _engagement_tag(days: int | None) -> str:
    if days is None or days > 90:
        return "cold"
    return "active_7d" if days <= 7 else "recent_30d" if days <= 30 else "inactive_90d"
