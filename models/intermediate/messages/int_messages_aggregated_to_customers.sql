{{ config(materialized="view") }}

-- Counts are of messages by their delivery: those read or answered are always among those received.

with

messages as (

    select * from {{ ref("fct_messages") }}

),

final as (

    select
        customer_id,
        max(case when {{ in_window("received_at") }} then received_at end) as last_inbound_at,
        max(greatest(
            {%- for moment in ("received_at", "reacted_at", "read_at", "clicked_at") %}
            case when {{ in_window(moment) }} then {{ moment }} end{{ "," if not loop.last }}
            {%- endfor %}
        )) as last_interaction_at,
        max(
            case
                when direction = 'out' and category = 'marketing' and failed_at is null
                    and {{ in_window("coalesce(sent_at, accepted_at)") }}
                    then coalesce(sent_at, accepted_at)
            end
        ) as last_promotional_at
        {%- for days, suffix in ((none, ""), (7, "_7d"), (30, "_30d"), (90, "_90d")) %},
        {%- set received = "direction = 'out' and " ~ in_window("delivered_at", days) %}
        count(*) filter (where {{ received }}) as messages_received{{ suffix }},
        count(*) filter (where {{ received }} and {{ in_window("read_at") }}) as messages_read{{ suffix }},
        count(*) filter (where {{ received }} and {{ in_window("replied_at") }}) as messages_replied{{ suffix }}
        {%- endfor %}
    from messages
    where customer_id is not null
    group by customer_id

)

select * from final
