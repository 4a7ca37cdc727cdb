-- What all customers brought and will bring; `variance` and `shared_sd` make the range of the sum.
select
    count(*) as customers,
    count(*) filter (where orders > 0) as bought,
    count(*) filter (where orders > 1) as bought_again,
    count(ltv_expected_12m) as valued,
    coalesce(sum(ltv_historic), 0) as historic,
    coalesce(sum(ltv_expected_12m), 0) as expected,
    coalesce(sum(ltv_expected_12m_variance), 0) as variance,
    coalesce((select max(value_sd) from fct_ltv_fits where quarters_ago = 0), 0) as shared_sd,
    count(*) filter (where churn_risk = 'high') as at_risk,
    coalesce(sum(ltv_historic) filter (where churn_risk = 'high'), 0) as historic_at_risk,
    max(currency) as currency
from dim_customers
