{people}

select
    count(ltv_expected_12m) filter (where {decided}) as valued,
    coalesce(sum(ltv_historic) filter (where {decided}), 0) as historic,
    coalesce(sum(ltv_expected_12m) filter (where {decided}), 0) as expected,
    coalesce(sum(ltv_expected_12m_variance) filter (where {decided}), 0) as variance,
    coalesce((select max(value_sd) from fct_ltv_fits where quarters_ago = 0), 0) as shared_sd
from people
