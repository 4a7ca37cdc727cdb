with

fits as (

    select * from {{ ref("int_ltv_fitted") }}
    where decile is not null

),

final as (

    select
        quarters_ago,
        ends_on,
        decile,
        decile_customers as customers,
        {{ money("decile_expected_value") }} as expected_value,
        {{ money("decile_actual_value") }} as actual_value,
        {{ rate("decile_expected_value - decile_actual_value", "decile_actual_value") }} as error,
        '{{ var("currency") }}' as currency
    from fits

)

select * from final
