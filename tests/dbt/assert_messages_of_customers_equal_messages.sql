-- What dim_customers counts is what fct_messages holds of customers before as_of.
with

customers as (

    select
        sum(messages_received) as received,
        sum(messages_read) as read,
        sum(messages_replied) as replied
    from {{ ref("dim_customers") }}

),

messages as (

    select
        count(*) as received,
        count(*) filter (where {{ in_window("read_at") }}) as read,
        count(*) filter (where {{ in_window("replied_at") }}) as replied
    from {{ ref("fct_messages") }}
    where direction = 'out' and customer_id is not null and {{ in_window("delivered_at") }}

),

final as (

    select
        customers.received as counted,
        messages.received as expected,
        customers.read as counted_read,
        messages.read as expected_read,
        customers.replied as counted_replied,
        messages.replied as expected_replied
    from customers
    cross join messages
    where
        coalesce(customers.received, 0) <> messages.received
        or coalesce(customers.read, 0) <> messages.read
        or coalesce(customers.replied, 0) <> messages.replied

)

select * from final
