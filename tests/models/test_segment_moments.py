"""A segment at a past moment counts customers as the models do: at as-of itself both say the same."""

import duckdb

from wabench.segments import moments
from wabench.settings import Settings


def test_a_customer_at_as_of_is_who_the_marts_say(at_once: Settings) -> None:
    with duckdb.connect(at_once.paths.warehouse, read_only=True) as connection:
        connection.execute("use marts")
        as_of = connection.execute("select max(as_of) from intermediate.int_customers_tracked").fetchall()[0][0]
        kept = connection.execute(f"{moments.SOURCE} limit 0", {"moment": as_of}).description or []
        columns = [name for name, *_ in kept]
        assert {"orders_90d", "messages_read_30d", "average_order_value", "engagement_tag"} <= set(columns)
        others = [name for name in columns if name not in ("customer_id",)]
        differs = " or ".join(f'told."{name}" is distinct from dim_customers."{name}"' for name in others)
        wrong = connection.execute(
            f"select * from ({moments.SOURCE}) as told full join dim_customers using (customer_id) where {differs}",
            {"moment": as_of},
        ).fetchall()
        assert wrong == []
        assert connection.execute("select count(*) from dim_customers").fetchall()[0][0] > 5
