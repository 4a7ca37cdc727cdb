from wabench import ltv_tables
from wabench.tables import arrow


def model(dbt, session):
    """Fit now and at past ends, and compare what was expected then with what came."""
    dbt.config(materialized="table")
    terms = ltv_tables.Terms(
        months=dbt.config.get("ltv_months"),
        discount_rate=dbt.config.get("ltv_discount_rate"),
        minimum_customers=dbt.config.get("ltv_minimum_customers"),
        minimum_repeaters=dbt.config.get("ltv_minimum_repeaters"),
    )
    observed = arrow(dbt.ref("int_customers_observed"))
    shop_days = arrow(dbt.ref("int_shop_days_counted"))
    return ltv_tables.fit(observed, shop_days, terms, dbt.config.get("ltv_backtest_days"))
