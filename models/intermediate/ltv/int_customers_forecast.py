from wabench.ltv import tables


def model(dbt, session):
    """Expect what each customer will order and be worth."""
    dbt.config(materialized="table")
    observed = dbt.ref("int_customers_observed").filter("quarters_ago = 0").to_arrow_table()
    return tables.forecast(observed, dbt.ref("int_ltv_fitted").to_arrow_table())
