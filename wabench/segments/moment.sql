-- Customers as they stood at $moment, in the fields that can be told of it: tags and consent as a refresh saw them, orders
-- and messages counted anew from the facts, as those are known today. Windows are half-open: [$moment - days, $moment).
select
    customers.customer_id,
    customers.bucket,
    customers.currency,
    customers.first_seen_at,
    tags.consent,
    tags.frequency_tag,
    tags.order_value_tag,
    tags.engagement_tag,
    tags.rfm_group,
    tags.ltv_band,
    bought.first_order_at,
    bought.last_order_at,
    coalesce(bought.orders_30d, 0) as orders_30d,
    coalesce(bought.orders_90d, 0) as orders_90d,
    coalesce(bought.orders_365d, 0) as orders_365d,
    coalesce(bought.orders, 0) as orders,
    coalesce(bought.net_revenue_30d, 0) as net_revenue_30d,
    coalesce(bought.net_revenue_90d, 0) as net_revenue_90d,
    coalesce(bought.net_revenue_365d, 0) as net_revenue_365d,
    coalesce(bought.net_revenue, 0) as net_revenue,
    coalesce(bought.net_revenue, 0) as ltv_historic,
    round(bought.net_revenue / nullif(bought.orders, 0), 4) as average_order_value,
    got.last_inbound_at,
    got.last_inbound_at + interval 24 hour as window_open_until,
    coalesce(got.last_inbound_at + interval 24 hour > $moment, false) as is_window_open,
    got.last_interaction_at,
    floor(epoch($moment - got.last_interaction_at) / 86400)::integer as days_since_interaction,
    coalesce(got.messages_received_7d, 0) as messages_received_7d,
    coalesce(got.messages_received_30d, 0) as messages_received_30d,
    coalesce(got.messages_received_90d, 0) as messages_received_90d,
    coalesce(got.messages_received, 0) as messages_received,
    coalesce(got.messages_read_7d, 0) as messages_read_7d,
    coalesce(got.messages_read_30d, 0) as messages_read_30d,
    coalesce(got.messages_read_90d, 0) as messages_read_90d,
    coalesce(got.messages_read, 0) as messages_read,
    coalesce(got.messages_replied_7d, 0) as messages_replied_7d,
    coalesce(got.messages_replied_30d, 0) as messages_replied_30d,
    coalesce(got.messages_replied_90d, 0) as messages_replied_90d,
    coalesce(got.messages_replied, 0) as messages_replied,
    got.messages_read::double / nullif(got.messages_received, 0) as read_rate,
    got.messages_replied::double / nullif(got.messages_received, 0) as reply_rate
from dim_customers as customers
left join snap_customer_tags as tags
    on customers.customer_id = tags.customer_id
    and tags.dbt_valid_from <= $moment
    and (tags.dbt_valid_to is null or tags.dbt_valid_to > $moment)
left join (
    select
        customer_id,
        min(ordered_at) filter (where is_paid) as first_order_at,
        max(ordered_at) filter (where is_paid) as last_order_at,
        count(*) filter (where is_paid and ordered_at >= $moment - interval 30 day) as orders_30d,
        count(*) filter (where is_paid and ordered_at >= $moment - interval 90 day) as orders_90d,
        count(*) filter (where is_paid and ordered_at >= $moment - interval 365 day) as orders_365d,
        count(*) filter (where is_paid) as orders,
        sum(net) filter (where ordered_at >= $moment - interval 30 day) as net_revenue_30d,
        sum(net) filter (where ordered_at >= $moment - interval 90 day) as net_revenue_90d,
        sum(net) filter (where ordered_at >= $moment - interval 365 day) as net_revenue_365d,
        sum(net) as net_revenue
    from fct_orders
    where ordered_at < $moment
    group by customer_id
) as bought on customers.customer_id = bought.customer_id
left join (
    select
        customer_id,
        bool_or(coalesce(sent_at, accepted_at, delivered_at, received_at) < $moment) as has_begun,
        max(received_at) filter (where received_at < $moment) as last_inbound_at,
        max(greatest(
            case when received_at < $moment then received_at end,
            case when reacted_at < $moment then reacted_at end,
            case when read_at < $moment then read_at end,
            case when clicked_at < $moment then clicked_at end
        )) as last_interaction_at,
        count(*) filter (where is_got and delivered_at >= $moment - interval 7 day) as messages_received_7d,
        count(*) filter (where is_got and delivered_at >= $moment - interval 30 day) as messages_received_30d,
        count(*) filter (where is_got and delivered_at >= $moment - interval 90 day) as messages_received_90d,
        count(*) filter (where is_got) as messages_received,
        count(*) filter (where is_read and delivered_at >= $moment - interval 7 day) as messages_read_7d,
        count(*) filter (where is_read and delivered_at >= $moment - interval 30 day) as messages_read_30d,
        count(*) filter (where is_read and delivered_at >= $moment - interval 90 day) as messages_read_90d,
        count(*) filter (where is_read) as messages_read,
        count(*) filter (where is_replied and delivered_at >= $moment - interval 7 day) as messages_replied_7d,
        count(*) filter (where is_replied and delivered_at >= $moment - interval 30 day) as messages_replied_30d,
        count(*) filter (where is_replied and delivered_at >= $moment - interval 90 day) as messages_replied_90d,
        count(*) filter (where is_replied) as messages_replied
    from (
        select
            customer_id,
            sent_at,
            accepted_at,
            received_at,
            reacted_at,
            read_at,
            clicked_at,
            delivered_at,
            direction = 'out' and delivered_at < $moment as is_got,
            direction = 'out' and delivered_at < $moment and read_at < $moment as is_read,
            direction = 'out' and delivered_at < $moment and replied_at < $moment as is_replied
        from fct_messages
    ) as dated
    group by customer_id
) as got on customers.customer_id = got.customer_id
-- Orders and messages may have come to us long after they happened, with a shop's first import of its past.
where customers.first_seen_at <= $moment or bought.customer_id is not null or got.has_begun
