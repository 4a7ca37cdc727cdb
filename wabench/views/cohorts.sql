-- The last two years of cohorts, as far as each has come.
select
    cohort,
    month,
    months_since,
    customers,
    buyers,
    retained_share,
    net_revenue,
    net_revenue_per_customer
from fct_ltv_cohorts
where cohort >= (select max(cohort) - interval 23 months from fct_ltv_cohorts)
    and customers > 0
order by cohort, months_since
