with

limits as (

    select * from {{ ref("int_customers_counted_to_limits") }}

),

final as (

    select
        provider,
        cast(customers_allowed as bigint) as customers_allowed,
        cast(customers as bigint) as customers_written,
        told_at
    from limits

)

select * from final
