-- Messages of one length are counted first, so that bands are looked up for some hundred rows and not for each message.

{% set content = "is_personalised, content_kind, has_call_to_action, category" %}
with

messages as (

    select * from {{ ref("fct_messages") }}
    where direction = 'out'

),

bands as (

    select * from {{ ref("length_bands") }}

),

counted as (

    select
        text_length,
        is_personalised,
        content_kind,
        has_call_to_action,
        coalesce(category, 'unknown') as category,
        count(*) as messages,
        count(delivered_at) as delivered,
        count(read_at) as read,
        count(replied_at) as replied,
        count(converted_at) as converted
    from messages
    group by 1, 2, 3, 4, 5

),

banded as (

    select
        coalesce(bands.length_band, 'unknown') as length_band,
        counted.*
    from counted
    left join bands
        on counted.text_length >= bands.from_characters
        and counted.text_length < coalesce(bands.to_characters, counted.text_length + 1)

),

summed as (

    select
        length_band,
        {{ content }}
        {%- for step in ("messages", "delivered", "read", "replied", "converted") %},
        cast(sum({{ step }}) as bigint) as {{ step }}
        {%- endfor %}
    from banded
    group by length_band, {{ content }}

),

final as (

    select
        length_band,
        {{ content }},
        messages,
        delivered,
        read,
        replied,
        converted
        {%- for name, part, whole in (
            ("delivery", "delivered", "messages"),
            ("read", "read", "delivered"),
            ("reply", "replied", "delivered"),
            ("conversion", "converted", "delivered"),
        ) %},
        {{ rate(part, whole) }} as {{ name }}_rate,
        {{ wilson_low(part, whole) }} as {{ name }}_rate_low,
        {{ wilson_high(part, whole) }} as {{ name }}_rate_high
        {%- endfor %}
    from summed

)

select * from final
