-- Who is served on WhatsApp, and since which day: a message of ours was delivered to them, or they wrote one.

with

messages as (

    select * from {{ ref("fct_messages") }}

),

moments as (

    select
        customer_id,
        least(
            case when {{ in_window("delivered_at") }} then delivered_at end,
            case when {{ in_window("received_at") }} then received_at end
        ) as served_at
    from messages
    where customer_id is not null

),

final as (

    select customer_id, cast(min(served_at) as date) as served_since from moments
    where served_at is not null
    group by customer_id

)

select * from final
