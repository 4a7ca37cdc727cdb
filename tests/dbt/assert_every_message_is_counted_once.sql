-- No event of a message is without its row: later events of a message it knows already change that row.
with

events as (

    select distinct message_key from {{ ref("stg_messaging__message_events") }}
    where event_type in ('accepted', 'sent', 'delivered', 'read', 'failed', 'clicked', 'received', 'reaction')

),

messages as (

    select message_key from {{ ref("fct_messages") }}

),

final as (

    select message_key from events
    where message_key is not null and message_key not in (select message_key from messages)

)

select * from final
