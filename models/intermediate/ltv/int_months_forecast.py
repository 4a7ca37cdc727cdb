from wabench import ltv_tables
from wabench.tables import arrow


def model(dbt, session):
    """Expect at the end of each month what its customers will order and be worth."""
    dbt.config(materialized="table")
    groups = arrow(dbt.ref("int_customers_grouped_to_months"))
    observed = arrow(dbt.ref("int_customers_observed").filter("quarters_ago = 0"))
    return ltv_tables.value(groups, observed, arrow(dbt.ref("int_ltv_fitted")))
