from wabench import ltv_tables
from wabench.tables import arrow


def model(dbt, session):
    """Expect what each customer will order and be worth."""
    dbt.config(materialized="table")
    observed = arrow(dbt.ref("int_customers_observed").filter("quarters_ago = 0"))
    return ltv_tables.forecast(observed, arrow(dbt.ref("int_ltv_fitted")))
