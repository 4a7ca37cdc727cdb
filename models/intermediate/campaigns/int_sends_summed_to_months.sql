-- Everything that is counted of campaigns, by the month in which each send was made (or else planned): what came of it
-- stands beside what it cost. What people did counts once a campaign, in the month of the first send to them.

with

sends as (

    select * from {{ ref("int_sends_followed_to_outcomes") }}

),

orders as (

    select * from {{ ref("int_orders_converted_to_currency") }}

),

counted as (

    select
        campaign_id,
        variant,
        month,
        count(*) as planned,
        {%- for state in ("suppressed", "holdout", "held", "waiting", "unknown", "accepted", "rejected") %}
        count(*) filter (where state = '{{ state }}') as {{ state }},
        {%- endfor %}
        count(failed_at) as failed,
        count(delivered_at) as delivered,
        count(read_at) as read,
        {{ money("sum(cost)") }} as cost,
        cast(sum(messages_without_cost) as bigint) as messages_without_cost,
        {{ money("sum(attributed_orders)") }} as attributed_orders,
        {{ money("sum(attributed_net_revenue)") }} as attributed_net_revenue,
        {{ money("sum(attributed_margin)") }} as attributed_margin,
        cast(sum(attributed_orders_without_margin) as bigint) as attributed_orders_without_margin
    from sends
    group by campaign_id, variant, month

),

customers as (

    select
        campaign_id,
        variant,
        customer_id,
        min(month) as month,
        min(delivered_at) as delivered_at,
        min(replied_at) as replied_at,
        min(converted_at) as converted_at,
        min(opted_out_at) as opted_out_at
    from sends
    group by campaign_id, variant, customer_id

),

-- What who opted out was worth: what they spent in the year before.
lost as (

    select customers.campaign_id, customers.variant, customers.month, sum(orders.net) as opted_out_value
    from customers
    inner join orders
        on customers.customer_id = orders.customer_id
        and orders.ordered_at < customers.opted_out_at
        and orders.ordered_at >= customers.opted_out_at - interval '365' day
    where customers.opted_out_at is not null
    group by customers.campaign_id, customers.variant, customers.month

),

people as (

    select
        campaign_id,
        variant,
        month
        {%- for outcome in ("delivered", "replied", "converted", "opted_out") %},
        count({{ outcome }}_at) as customers_{{ outcome }}
        {%- endfor %}
    from customers
    group by campaign_id, variant, month

),

final as (

    select
        counted.*,
        people.customers_delivered,
        people.customers_replied,
        people.customers_converted,
        people.customers_opted_out,
        {{ money("coalesce(lost.opted_out_value, 0)") }} as opted_out_value
    from counted
    left join people
        on counted.campaign_id = people.campaign_id
        and counted.variant = people.variant
        and counted.month = people.month
    left join lost
        on counted.campaign_id = lost.campaign_id
        and counted.variant = lost.variant
        and counted.month = lost.month

)

select * from final
