-- Messages by the hour they reached their customer, and what customers wrote by the hour they wrote it, on the customer's
-- own clock. Every hour of the week is here, also one in which nothing happened.

with

messages as (

    select * from {{ ref("fct_messages") }}

),

customers as (

    select * from {{ ref("int_customers_located") }}

),

localised as (

    select
        {{ local_time(
            "coalesce(messages.delivered_at, messages.received_at)",
            "coalesce(customers.timezone, '" ~ var("timezone") ~ "')",
        ) }} as happened_at,
        messages.direction,
        messages.read_at,
        messages.replied_at
    from messages
    left join customers on messages.customer_id = customers.customer_id
    where
        (messages.direction = 'out' and messages.delivered_at is not null)
        or (messages.direction = 'in' and messages.received_at is not null)

),

counted as (

    select
        {{ iso_weekday("happened_at") }} as weekday,
        hour(happened_at) as hour,
        count(*) filter (where direction = 'out') as delivered,
        count(*) filter (where direction = 'out' and read_at is not null) as read,
        count(*) filter (where direction = 'out' and replied_at is not null) as replied,
        count(*) filter (where direction = 'in') as inbound_messages
    from localised
    group by 1, 2

),

weekdays as (

    {% for weekday in range(1, 8) -%}
    select {{ weekday }} as weekday{{ " union all" if not loop.last }}
    {% endfor %}
),

hours as (

    {% for hour in range(24) -%}
    select {{ hour }} as hour{{ " union all" if not loop.last }}
    {% endfor %}
),

dense as (

    select
        weekdays.weekday,
        hours.hour
        {%- for column in ("delivered", "read", "replied", "inbound_messages") %},
        coalesce(counted.{{ column }}, 0) as {{ column }}
        {%- endfor %}
    from weekdays
    cross join hours
    left join counted on weekdays.weekday = counted.weekday and hours.hour = counted.hour

),

final as (

    select
        weekday,
        hour,
        delivered,
        read,
        replied,
        inbound_messages
        {%- for name, part in (("read", "read"), ("reply", "replied")) %},
        {{ rate(part, "delivered") }} as {{ name }}_rate,
        {{ wilson_low(part, "delivered") }} as {{ name }}_rate_low,
        {{ wilson_high(part, "delivered") }} as {{ name }}_rate_high
        {%- endfor %}
    from dense

)

select * from final
