from wabench import ltv
from wabench.ltv import tables


def model(dbt, session):
    """Fit now and at past ends, and compare what was expected then with what came."""
    dbt.config(materialized="table")
    horizon = ltv.Horizon.months(dbt.config.get("ltv_months"), yearly_rate=dbt.config.get("ltv_discount_rate"))
    observed = dbt.ref("int_customers_observed").to_arrow_table()
    shop_days = dbt.ref("int_shop_days_counted").to_arrow_table()
    return tables.fit(observed, shop_days, horizon, dbt.config.get("ltv_backtest_days"))
