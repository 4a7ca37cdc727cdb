-- At any moment a customer was one thing: each row of snap_customer_tags ends before the next one begins.
with

states as (

    select * from {{ ref("snap_customer_tags") }}

),

followed as (

    select
        customer_id,
        dbt_valid_from,
        dbt_valid_to,
        lead(dbt_valid_from) over (partition by customer_id order by dbt_valid_from) as next_from
    from states

),

final as (

    select * from followed
    where next_from is not null and (dbt_valid_to is null or dbt_valid_to > next_from)

)

select * from final
