{{ config(materialized="view") }}

with

orders as (

    select * from {{ ref("fct_orders") }}

),

final as (

    select
        customer_id,
        min(case when is_paid then ordered_at end) as first_order_at,
        max(case when is_paid then ordered_at end) as last_order_at,
        count(*) filter (where is_paid) as orders,
        sum(net) as net_revenue
        {%- for days in (30, 90, 365) %},
        count(*) filter (where is_paid and {{ in_window("ordered_at", days) }}) as orders_{{ days }}d,
        sum(net) filter (where {{ in_window("ordered_at", days) }}) as net_revenue_{{ days }}d
        {%- endfor %}
    from orders
    where customer_id is not null and {{ in_window("ordered_at") }}
    group by customer_id

)

select * from final
