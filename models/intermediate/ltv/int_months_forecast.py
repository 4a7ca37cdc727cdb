from wabench.ltv import tables


def model(dbt, session):
    """Expect at the end of each month what its customers will order and be worth."""
    dbt.config(materialized="table")
    groups = dbt.ref("int_customers_grouped_to_months").to_arrow_table()
    observed = dbt.ref("int_customers_observed").filter("quarters_ago = 0").to_arrow_table()
    return tables.value(groups, observed, dbt.ref("int_ltv_fitted").to_arrow_table())
