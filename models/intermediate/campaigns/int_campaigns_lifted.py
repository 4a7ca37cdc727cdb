from wabench.lift_tables import lift_campaigns


def model(dbt, session):
    return lift_campaigns(dbt.ref("int_sends_summed_to_arms").to_arrow_table())
