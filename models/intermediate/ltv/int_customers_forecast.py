from wabench import ltv
from wabench.ltv import tables


def model(dbt, session):
    """Expect what each customer will order and be worth."""
    dbt.config(materialized="table")
    horizon = ltv.Horizon.months(dbt.config.get("ltv_months"), yearly_rate=dbt.config.get("ltv_discount_rate"))
    observed = dbt.ref("int_customers_observed").filter("quarters_ago = 0").to_arrow_table()
    fits = dbt.ref("int_ltv_fitted").to_arrow_table()
    return tables.forecast(observed, fits, horizon)
