-- Values to choose from in a rule, by the field or the deed's question they answer; those most have come first.
with

found as (
    select
        case
            when grouping(country) = 0 then 'country'
            when grouping(locale) = 0 then 'locale'
            when grouping(timezone) = 0 then 'timezone'
            when grouping(consent_source) = 0 then 'consent_source'
            when grouping(rfm_group) = 0 then 'rfm_group'
            else 'ltv_band'
        end as field,
        coalesce(country, locale, timezone, consent_source, rfm_group, ltv_band) as value,
        count(*) as rows
    from dim_customers
    group by grouping sets (country, locale, timezone, consent_source, rfm_group, ltv_band)
    union all
    select 'source', source, count(*) from fct_orders
    group by source
    union all
    select
        case when grouping(template_name) = 0 then 'template' else 'provider' end,
        coalesce(template_name, provider),
        count(*)
    from fct_messages
    group by grouping sets (template_name, provider)
)

select field, value
from found
where value is not null
qualify row_number() over (partition by field order by rows desc, value) <= 300
order by field, rows desc, value
