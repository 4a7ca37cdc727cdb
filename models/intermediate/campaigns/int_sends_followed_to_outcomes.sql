-- A row per send with everything that came of it. What a status came back for was accepted, whatever the ledger still
-- believes; what was sent twice (a person decided to try an unknown one again) counts once but costs twice.

with

sends as (

    select * from {{ ref("int_sends_resolved_to_customers") }}

),

messages as (

    select * from {{ ref("fct_messages") }}

),

followed as (

    select * from {{ ref("int_messages_followed_to_outcomes") }}

),

attributed as (

    select * from {{ ref("int_orders_attributed_to_messages") }}

),

came_back as (

    select
        messages.send_id,
        min(messages.delivered_at) as delivered_at,
        min(messages.read_at) as read_at,
        min(messages.failed_at) as failed_at,
        min(messages.replied_at) as replied_at,
        min(followed.converted_at) as converted_at,
        min(followed.opted_out_at) as opted_out_at,
        sum(messages.cost) as cost,
        count(*) filter (where messages.cost is null) as messages_without_cost
    from messages
    left join followed on messages.message_key = followed.message_key
    where messages.send_id is not null
    group by messages.send_id

),

brought as (

    select
        send_id,
        sum(weight) as orders,
        sum(net) as net_revenue,
        sum(margin) as margin,
        count(*) filter (where margin is null) as orders_without_margin
    from attributed
    group by send_id

),

final as (

    select
        sends.send_id,
        sends.campaign_id,
        sends.variant,
        coalesce(sends.claimed_at, sends.planned_at) as made_at,
        cast(date_trunc('month', coalesce(sends.claimed_at, sends.planned_at)) as date) as month,
        coalesce(sends.customer_id, sends.planned_customer_id) as customer_id,
        case
            when came_back.send_id is not null then 'accepted'
            when sends.arm = 'held_out' then 'holdout'
            when sends.state in ('planned', 'claimed') then 'waiting'
            else sends.state
        end as state,
        sends.reason,
        came_back.delivered_at,
        came_back.read_at,
        case when came_back.delivered_at is null then came_back.failed_at end as failed_at,
        came_back.replied_at,
        came_back.converted_at,
        came_back.opted_out_at,
        coalesce(came_back.cost, 0) as cost,
        coalesce(came_back.messages_without_cost, 0) as messages_without_cost,
        coalesce(brought.orders, 0) as attributed_orders,
        coalesce(brought.net_revenue, 0) as attributed_net_revenue,
        coalesce(brought.margin, 0) as attributed_margin,
        coalesce(brought.orders_without_margin, 0) as attributed_orders_without_margin
    from sends
    left join came_back on sends.send_id = came_back.send_id
    left join brought on sends.send_id = brought.send_id

)

select * from final
