-- Every recency, frequency and monetary score from 1 to 5 has one group in seeds/rfm_groups.csv: none, and its customers
-- would have no group; two, and they would count twice.
with

scores as (

    {%- for score in range(1, 6) %}
    select {{ score }} as score
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

named as (

    select * from {{ ref("rfm_groups") }}

),

final as (

    select
        recency.score as recency,
        frequency.score as frequency,
        monetary.score as monetary,
        count(named.rfm_group) as groups_found
    from scores as recency
    cross join scores as frequency
    cross join scores as monetary
    left join named
        on recency.score between named.recency_from and named.recency_to
        and frequency.score between named.frequency_from and named.frequency_to
        and monetary.score between named.monetary_from and named.monetary_to
    group by recency.score, frequency.score, monetary.score
    having count(named.rfm_group) <> 1

)

select * from final
