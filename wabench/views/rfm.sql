select
    rfm_recency as recency,
    rfm_frequency as frequency,
    count(*) as customers,
    avg(ltv_expected_12m) as expected,
    avg(ltv_historic) as historic,
    mode(rfm_group) as main_group
from dim_customers
where rfm_recency is not null
group by rfm_recency, rfm_frequency
order by recency desc, frequency
