-- A paid order belongs to the campaign messages delivered to its customer at or before it, each less than
-- `attribution_days` ago: to the last of them, the first, or all alike. What can't be parted evenly is the last one's.

{%- set models = {
    "last_touch": "touches.touch_number = windows.last_touch",
    "first_touch": "touches.touch_number = windows.first_touch",
    "linear": "touches.touch_number between windows.first_touch and windows.last_touch",
} %}
{%- set model = var("attribution_model") %}
{%- if model not in models %}
{{ exceptions.raise_compiler_error("attribution_model is last_touch, first_touch or linear, not " ~ model) }}
{%- endif %}

with

messages as (

    select * from {{ ref("int_messages_classified") }}

),

orders as (

    select * from {{ ref("int_orders_converted_to_currency") }}
    where is_paid

),

touches as (

    select
        message_key,
        customer_id,
        campaign_id,
        send_id,
        touched_at,
        row_number() over (partition by customer_id order by touched_at, message_key) as touch_number
    from messages
    where direction = 'out' and campaign_id is not null and touched_at is not null and customer_id is not null

),

-- Each order asks twice how many messages had come: when it was placed, and a window before, for those are over.
moments as (

    select order_key, customer_id, ordered_at as happened_at, false as is_before from orders
    union all
    select order_key, customer_id, ordered_at - interval '{{ var("attribution_days") }}' day, true from orders

),

timeline as (

    select
        customer_id,
        touched_at as happened_at,
        0 as place,
        touch_number,
        null as order_key,
        false as is_before
    from touches
    union all
    select customer_id, happened_at, 1, 0, order_key, is_before from moments
    where customer_id in (select customer_id from touches)

),

numbered as (

    select
        order_key,
        customer_id,
        is_before,
        max(touch_number) over (
            partition by customer_id order by happened_at, place rows between unbounded preceding and current row
        ) as touches_so_far
    from timeline

),

windows as (

    select
        order_key,
        customer_id,
        max(case when is_before then touches_so_far end) + 1 as first_touch,
        max(touches_so_far) as last_touch
    from numbered
    where order_key is not null
    group by order_key, customer_id
    having max(case when is_before then touches_so_far end) < max(touches_so_far)

),

shared as (

    select
        windows.order_key,
        touches.message_key,
        touches.campaign_id,
        touches.send_id,
        row_number() over of_order as number_from_last,
        count(*) over (partition by windows.order_key) as parts
    from windows
    inner join touches
        on windows.customer_id = touches.customer_id
        and {{ models[model] }}
    window of_order as (partition by windows.order_key order by touches.touch_number desc)

),

parted as (

    select
        shared.*,
        number_from_last = 1 as is_main,
        orders.net,
        {{ money(rate("orders.margin * orders.net", "orders.total")) }} as margin
    from shared
    inner join orders on shared.order_key = orders.order_key

),

final as (

    select
        order_key,
        message_key,
        campaign_id,
        send_id,
        is_main,
        {{ part_of("1") }} as weight,
        {{ part_of("net") }} as net,
        {{ part_of("margin") }} as margin
    from parted

)

select * from final
