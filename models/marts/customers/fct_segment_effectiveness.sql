{% set methods = {
    "none": "'all'",
    "frequency": "frequency_tag",
    "order_value": "order_value_tag",
    "engagement": "engagement_tag",
    "rfm": "rfm_group",
} %}

with

messages as (

    select * from {{ ref("int_messages_tagged") }}

),

labelled as (

    {%- for method, tag in methods.items() %}
    select
        '{{ method }}' as method,
        {{ tag }} as tag,
        customer_id,
        is_read,
        is_converted,
        orders,
        cost
    from messages
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

by_customer as (

    select
        method,
        tag,
        customer_id,
        count(*) as messages,
        count(*) filter (where is_read) as read,
        count(*) filter (where is_converted) as converted,
        sum(orders) as orders,
        sum(cost) as cost,
        count(*) filter (where cost is null) as messages_without_cost
    from labelled
    group by method, tag, customer_id

),

counted as (

    select
        method,
        tag,
        count(*) as customers,
        cast(sum(messages) as bigint) as messages,
        cast(sum(read) as bigint) as read,
        cast(sum(converted) as bigint) as converted,
        cast(sum(orders) as bigint) as orders,
        {{ money("coalesce(sum(cost), 0)") }} as cost,
        cast(sum(messages_without_cost) as bigint) as messages_without_cost,
        cast(sum(messages * messages) as double) as messages_squared,
        {%- for success in ("read", "converted") %}
        cast(sum({{ success }} * {{ success }}) as double) as {{ success }}_squared,
        cast(sum({{ success }} * messages) as double) as {{ success }}_by_messages{{ "," if not loop.last }}
        {%- endfor %}
    from by_customer
    group by method, tag

),

rated as (

    select
        *,
        {%- for success in ("read", "converted") %}
        {{ rate(success, "messages") }} as {{ success }}_rate,
        {{ independent_trials(
            success, "messages", "customers", success ~ "_squared", "messages_squared", success ~ "_by_messages"
        ) | indent(8) }} as {{ success }}_trials,
        {%- endfor %}
        {{ rate("case when messages_without_cost = 0 then cost end", "orders") }} as cost_per_order
    from counted

),

everybody as (

    select * from rated
    where method = 'none'

),

final as (

    select
        rated.method,
        rated.tag,
        rated.customers,
        rated.messages,
        rated.read,
        rated.converted,
        rated.orders,
        rated.cost,
        rated.messages_without_cost,
        '{{ var("currency") }}' as currency,
        rated.read_rate,
        {{ wilson_low("rated.read_rate * rated.read_trials", "rated.read_trials") | indent(8) }} as read_rate_low,
        {{ wilson_high("rated.read_rate * rated.read_trials", "rated.read_trials") | indent(8) }} as read_rate_high,
        rated.read_trials,
        rated.converted_rate as conversion_rate,
        {{ wilson_low("rated.converted_rate * rated.converted_trials", "rated.converted_trials") | indent(8) }}
            as conversion_rate_low,
        {{ wilson_high("rated.converted_rate * rated.converted_trials", "rated.converted_trials") | indent(8) }}
            as conversion_rate_high,
        rated.converted_trials as conversion_trials,
        {{ rate("rated.converted_rate", "everybody.converted_rate") }} - 1 as conversion_lift,
        rated.cost_per_order,
        {{ rate("rated.cost_per_order", "everybody.cost_per_order") }} - 1 as cost_per_order_change
    from rated
    cross join everybody

)

select * from final
