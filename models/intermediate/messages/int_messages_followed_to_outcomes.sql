-- For each delivered message what its customer did next: the first inbound message, paid order and opt-out after it.

with

messages as (

    select * from {{ ref("int_messages_classified") }}

),

orders as (

    select * from {{ ref("int_orders_converted_to_currency") }}

),

statements as (

    select * from {{ ref("int_consents_stated") }}

),

deeds as (

    select customer_id, received_at as happened_at, 'inbound' as deed from messages
    where received_at is not null
    union all
    select customer_id, ordered_at, 'order' from orders
    where is_paid
    union all
    select customer_id, stated_at, 'opt_out' from statements
    where not has_consent and stated_at is not null

),

touches as (

    select message_key, customer_id, touched_at from messages
    where
        direction = 'out'
        and touched_at is not null
        and customer_id in (select customer_id from deeds)

),

-- A deed at the very moment of delivery comes after it.
timeline as (

    select message_key, customer_id, touched_at as happened_at, 0 as place, '' as deed from touches
    union all
    select null, customer_id, happened_at, 1, deed from deeds
    where customer_id in (select customer_id from touches)

),

followed as (

    select
        message_key,
        happened_at as touched_at,
        min(case when deed = 'inbound' then happened_at end) over following as next_inbound_at,
        min(case when deed = 'order' then happened_at end) over following as next_order_at,
        min(case when deed = 'opt_out' then happened_at end) over following as next_opt_out_at
    from timeline
    window following as (
        partition by customer_id order by happened_at, place rows between current row and unbounded following
    )

),

{% set reply_window = "interval '" ~ var("reply_hours") ~ "' hour" %}
{% set order_window = "interval '" ~ var("attribution_days") ~ "' day" %}
final as (

    select
        message_key,
        case when next_inbound_at < touched_at + {{ reply_window }} then next_inbound_at end as replied_at,
        case when next_order_at < touched_at + {{ order_window }} then next_order_at end as converted_at,
        case when next_opt_out_at < touched_at + {{ order_window }} then next_opt_out_at end as opted_out_at
    from followed
    where message_key is not null

)

select * from final
