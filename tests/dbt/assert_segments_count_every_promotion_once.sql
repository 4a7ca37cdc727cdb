-- However customers are told apart, the promotional messages are the same, and they are those of fct_messages.
with

effectiveness as (

    select * from {{ ref("fct_segment_effectiveness") }}

),

messages as (

    select * from {{ ref("fct_messages") }}

),

touches as (

    select message_key, touched_at from {{ ref("int_messages_priced") }}

),

expected as (

    select
        count(*) as messages,
        count(distinct messages.customer_id) as customers,
        count(*) filter (where {{ in_window("messages.read_at") }}) as read,
        {{ money("coalesce(sum(messages.cost), 0)") }} as cost
    from messages
    inner join touches on messages.message_key = touches.message_key
    where
        messages.direction = 'out'
        and messages.delivered_at is not null
        and messages.customer_id is not null
        and (messages.campaign_id is not null or messages.category like 'marketing%')
        and {{ in_window("touches.touched_at + interval '" ~ var("attribution_days") ~ "' day", var("effectiveness_days")) }}

),

methods as (

    select
        method,
        sum(messages) as messages,
        sum(read) as read,
        sum(converted) as converted,
        sum(orders) as orders,
        sum(cost) as cost,
        count(*) as tags
    from effectiveness
    group by method

),

everybody as (

    select * from effectiveness
    where method = 'none'

),

-- Costs are rounded in each row.
final as (

    select
        methods.method,
        methods.messages,
        expected.messages as expected_messages,
        methods.read,
        expected.read as expected_read,
        methods.cost,
        expected.cost as expected_cost
    from expected
    left join methods on true
    left join everybody on true
    where
        coalesce(methods.messages, 0) <> expected.messages
        or coalesce(methods.read, 0) <> expected.read
        or coalesce(everybody.customers, 0) <> expected.customers
        or abs(coalesce(methods.cost, 0) - expected.cost) > 0.0001 * coalesce(methods.tags, 0)
        or methods.converted <> everybody.converted
        or methods.orders <> everybody.orders

)

select * from final
