-- A row per customer, with everything that can be counted of them before as_of.

with

identities as (

    select * from {{ ref("int_identities_resolved_to_customers") }}

),

orders as (

    select * from {{ ref("int_orders_aggregated_to_customers") }}

),

messages as (

    select * from {{ ref("int_messages_aggregated_to_customers") }}

),

customers as (

    select customer_id, min(since) as first_seen_at from identities
    group by customer_id

),

final as (

    select
        customers.customer_id,
        customers.first_seen_at,
        orders.first_order_at,
        orders.last_order_at,
        {%- for suffix in ("", "_30d", "_90d", "_365d") %}
        coalesce(orders.orders{{ suffix }}, 0) as orders{{ suffix }},
        {{ money("coalesce(orders.net_revenue" ~ suffix ~ ", 0)") }} as net_revenue{{ suffix }},
        {%- endfor %}
        {{ money(rate("orders.net_revenue", "orders.orders")) }} as average_order_value,
        messages.last_interaction_at,
        messages.last_inbound_at,
        messages.last_promotional_at
        {%- for suffix in ("", "_7d", "_30d", "_90d") %}
        {%- for verb in ("received", "read", "replied") %},
        coalesce(messages.messages_{{ verb }}{{ suffix }}, 0) as messages_{{ verb }}{{ suffix }}
        {%- endfor %}
        {%- endfor %}
    from customers
    left join orders on customers.customer_id = orders.customer_id
    left join messages on customers.customer_id = messages.customer_id

)

select * from final
