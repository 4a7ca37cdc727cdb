-- From which value on a customer scores 2, 3, 4 and 5. A value scores by the share of customers who are below it: under a
-- fifth is 1, from four fifths on 5, so equal customers score the same, which ntile would part by chance. Where all are
-- equal there is nothing to compare, and all score 3.

{% set measures = ("recency", "frequency", "monetary") %}

with

customers as (

    select
        {{ rfm_recency("last_order_at", as_of()) }} as recency,
        orders as frequency,
        net_revenue as monetary
    from {{ ref("int_customers_measured") }}
    where orders > 0

),

measured as (

    {%- for measure in measures %}
    select '{{ measure }}' as measure, cast({{ measure }} as double) as value from customers
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

counted as (

    select measure, value, count(*) as customers from measured
    group by measure, value

),

ranked as (

    select
        measure,
        value,
        sum(customers) over (partition by measure order by value) - customers as customers_below,
        sum(customers) over (partition by measure) as customers_all,
        count(*) over (partition by measure) as different_values
    from counted

),

scored as (

    select
        measure,
        value,
        case
            when different_values = 1 then 3
            else 1 + least(4, floor({{ rate("5 * customers_below", "customers_all - 1") }}))
        end as score
    from ranked

),

final as (

    select
        {%- for measure in measures %}
        {%- set is_last = loop.last %}
        {%- for score in range(2, 6) %}
        min(case when measure = '{{ measure }}' and score >= {{ score }} then value end) as {{ measure }}_{{ score }}
        {{- "," if not (is_last and loop.last) }}
        {%- endfor %}
        {%- endfor %}
    from scored

)

select * from final
